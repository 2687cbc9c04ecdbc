// Exactly once in its short form: `node build/test/campaign/exactly-once.js` is the long one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, runExactlyOnce } from '../campaign/exactly-once.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { ack, connect, pop } from '../support/redis-client.js';

test('each id is in the last topic once, in order, though connections are cut and the gateway is killed', async (t) => {
  if (!met(t, whyNoKafka())) return;
  const say = (text: string): void => t.diagnostic(text);
  const result = await runExactlyOnce({
    messages: 1_500,
    stages: 2,
    batch: 50,
    client: 'ioredis',
    kills: 1,
    cuts: 1,
    workerKills: 1,
    brokerKills: 0,
    say,
  });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(failures(result), {});
});

test('a member that slept through its session writes and moves nothing', async (t) => {
  if (!met(t, whyNoKafka())) return;
  const server = await KafkaServer.start({ properties: { 'group.min.session.timeout.ms': '1000' } });
  const config = {
    general: { 'bootstrap.servers': server.brokers },
    consumer: { 'auto.offset.reset': 'earliest', 'session.timeout.ms': 1_500, 'heartbeat.interval.ms': 300 },
  };
  const gateways = await Promise.all([GatewayProcess.start({ config }), GatewayProcess.start({ config })]);
  try {
    const [sleeper, other] = await Promise.all(gateways.map(({ port }, index) => connect(port, `zombies:${index}`)));
    await sleeper!.call('RPUSHX', 'topics:in', 'job');
    assert.equal(await sleeper!.call('DUMP', '10000'), 0);
    const first = await pop(sleeper!, 'topics:in');
    assert.equal(first?.value, 'job');
    gateways[0]!.signal('SIGSTOP');
    const late = sleeper!.multi();
    late.call('RPUSHX', 'topics:out', 'by the sleeper');
    late.call('RPUSH', 'acks', `in:${first!.partition}:${first!.offset}`);
    const outcome = late.exec().then(
      () => 'written',
      (error: Error) => error.message,
    );
    const again = await pop(other!, 'topics:in', 30);
    assert.equal(again?.offset, first!.offset);
    const multi = other!.multi();
    multi.call('RPUSHX', 'topics:out', 'by the other');
    multi.call('RPUSH', 'acks', `in:${again!.partition}:${again!.offset}`);
    assert.deepEqual(await multi.exec(), [
      [null, 1],
      [null, 1],
    ]);
    gateways[0]!.signal('SIGCONT');
    assert.match(await outcome, /^EXECABORT /);
    const reader = await connect(gateways[1]!.port, 'readers:r');
    const written = await pop(reader, 'topics:out');
    assert.equal(written?.value, 'by the other');
    await ack(reader, written!);
    assert.equal(await pop(reader, 'topics:out', 1), undefined);
    for (const client of [sleeper!, other!, reader]) client.disconnect();
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await server.stop();
  }
});
