// RPUSHX and PUBLISH that are answered when Kafka has the message, and DUMP of a client that has connected again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { hashed } from '../../../support/credentials.js';
import { eventually } from '../../../support/eventually.js';
import { fault } from '../../../support/port-doubles.js';
import { encodeCommand, RespPair } from '../../../support/resp-pair.js';

const raw = (...commands: string[][]): string => Buffer.concat(commands.map(encodeCommand)).toString('latin1');

async function withPair(settings: Record<string, unknown>, body: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings });
  try {
    await body(pair);
  } finally {
    await pair.stop();
  }
}

test('with `rpushx: delivered` nothing is answered before Kafka has it, and pipelined commands are answered in order', () =>
  withPair({ rpushx: 'delivered' }, async (pair) => {
    const { kafka } = pair;
    const redis = await pair.client();
    await kafka.admin.createTopic({ name: 't', partitions: 1 });
    assert.equal(await redis.exchange(['RPUSHX', 'topics:t', 'first']), ':1\r\n');
    kafka.faults.stalled = true;
    redis.send(raw(['RPUSHX', 'topics:t', 'a', 'b'], ['PUBLISH', 't', 'c'], ['RPUSH', 'topics:t', 'd'], ['PING']));
    const [producer] = kafka.producers;
    await eventually(5_000, () => producer!.pending === 4);
    assert.equal(redis.received, '');
    kafka.unstall();
    await redis.take(':2\r\n:1\r\n:1\r\n+PONG\r\n');
    assert.equal(await redis.exchange(['DUMP', '1000']), ':0\r\n');
  }));

test('a message that Kafka refuses is answered with the error, once: DUMP does not tell of it again', () =>
  withPair({ rpushx: 'delivered' }, async (pair) => {
    const { kafka } = pair;
    const redis = await pair.client();
    kafka.faults.delivery = ({ value }) =>
      value?.toString() === 'bad' ? fault(KafkaCode.messageTooLarge, 'Broker: Message size too large') : undefined;
    redis.send(raw(['RPUSHX', 'topics:t', 'good'], ['RPUSHX', 'topics:t', 'bad'], ['RPUSHX', 'topics:t', 'good']));
    await redis.take(':1\r\n-PROD Broker: Message size too large\r\n:1\r\n');
    assert.equal(
      await redis.exchange(['RPUSHX', 'topics:t', 'good', 'bad', 'bad']),
      '-PROD 2 of 3 messages are not in Kafka: Broker: Message size too large\r\n',
    );
    kafka.faults.delivery = () => fault(KafkaCode.messageTimedOut, 'Local: Message timed out');
    assert.equal(
      await redis.exchange(['PUBLISH', 't', 'late']),
      '-PROD not confirmed within 10 s: the message may or may not be in Kafka\r\n',
    );
    assert.equal(await redis.exchange(['DUMP', '1000']), ':0\r\n');
  }));

test('a user of the users file has its own way', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rafka-users-'));
  const usersFile = join(folder, 'users.json');
  const password = hashed('secret');
  const rights = { password, produce: ['*'], consume: ['*'], groups: ['*'] };
  writeFileSync(
    usersFile,
    JSON.stringify([
      { name: 'sure', ...rights, rpushx: 'delivered' },
      { name: 'fast', ...rights },
    ]),
  );
  try {
    await withPair({ usersFile }, async (pair) => {
      const { kafka } = pair;
      const [sure, fast] = [await pair.client(), await pair.client()];
      for (const [redis, name] of [
        [sure, 'sure'],
        [fast, 'fast'],
      ] as const) {
        await redis.exchange(['AUTH', name, 'secret']);
        assert.equal(await redis.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
      }
      kafka.faults.stalled = true;
      sure.send(['RPUSHX', 'topics:t', 'm']);
      assert.equal(await fast.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
      assert.equal(sure.received, '');
      kafka.unstall();
      await sure.take(':1\r\n');
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('DUMP of a client that has connected again tells what its last connection holds, and then what it has lost', () =>
  withPair({ producerFlushMs: 50 }, async (pair) => {
    const { kafka, stats } = pair;
    const first = await pair.client();
    assert.equal(await first.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
    assert.equal(await first.exchange(['DUMP', '1000']), ':0\r\n');
    kafka.faults.stalled = true;
    assert.equal(await first.exchange(['RPUSHX', 'topics:t', ...Array<string>(30).fill('m')]), ':30\r\n');
    first.close();
    const second = await pair.client();
    await eventually(5_000, async () => (await second.exchange(['DUMP', '0'])) === ':30\r\n');
    await eventually(5_000, () => stats.get('producer.delivery.errors') === 30);
    const third = await pair.client();
    assert.equal(await third.exchange(['DUMP', '5000']), ':30\r\n', 'lost, and told of');
    assert.equal(await third.exchange(['DUMP', '5000']), ':0\r\n', 'once a connection');
    assert.equal(stats.get('producer.unflushed.messages'), 30);
    kafka.unstall();
  }));

test('what a connection holds whose client has stopped sending is told of while its own DUMP still waits', () =>
  withPair({}, async (pair) => {
    const { kafka } = pair;
    const first = await pair.client();
    assert.equal(await first.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
    kafka.faults.stalled = true;
    first.send(raw(['RPUSHX', 'topics:t', 'm', 'm'], ['DUMP', '60000']));
    await first.take(':2\r\n');
    first.socket.end();
    const second = await pair.client();
    await eventually(5_000, async () => /^:[23]\r\n$/.test(await second.exchange(['DUMP', '0'])));
    kafka.unstall();
    await first.take(':0\r\n');
    await eventually(5_000, async () => (await second.exchange(['DUMP', '1000'])) === ':0\r\n');
  }));

for (const how of ['cut', 'half closed'] as const)
  test(`a connection that is ${how} while its own DUMP waits: what it lost is told to the next one, not to it alone`, () =>
    withPair({ producerFlushMs: 50 }, async (pair) => {
      const { kafka, stats } = pair;
      const first = await pair.client();
      assert.equal(await first.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
      kafka.faults.stalled = true;
      first.send(raw(['RPUSHX', 'topics:t', 'm', 'm'], ['DUMP', '600']));
      await first.take(':2\r\n');
      if (how === 'cut') first.socket.resetAndDestroy();
      else first.socket.end();
      await eventually(10_000, () => stats.get('producer.delivery.errors') >= 2);
      const second = await pair.client();
      assert.match(await second.exchange(['DUMP', '5000']), /^:[23]\r\n$/);
      assert.equal(await second.exchange(['DUMP', '5000']), ':0\r\n');
      kafka.unstall();
    }));

test('pipelined RPUSH of several messages keeps its order while the producer is opened', () =>
  withPair({}, async (pair) => {
    const { kafka } = pair;
    await kafka.admin.createTopic({ name: 't', partitions: 1 });
    const redis = await pair.client();
    redis.send(raw(['RPUSH', 'topics:t', 'a', 'b', 'c'], ['RPUSH', 'topics:t', 'd', 'e'], ['RPUSHX', 'topics:t', 'f']));
    await redis.take(':3\r\n:2\r\n:1\r\n');
    await redis.exchange(['DUMP', '5000']);
    await redis.exchange(['CLIENT', 'SETNAME', 'g:c']);
    const got: string[] = [];
    for (let i = 0; i < 6; i++) {
      const answer = await redis.exchange(['BLPOP', 'topics:t:{"auto.offset.reset":"earliest"}', '5']);
      got.push(answer.split('\r\n').at(-2)!);
    }
    assert.deepEqual(got, ['a', 'b', 'c', 'd', 'e', 'f']);
  }));
