// Kafka's own rights: what the gateway's Kafka user may not read is an error for its clients, and works as soon as it is granted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { KafkaWire } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { PixyClient } from '../support/pixy-client.js';
import { connect } from '../support/redis-client.js';
import { openKafka } from '../support/relay-clusters.js';
import { fill, until } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

describe('rights that Kafka does not give the gateway', () => {
  let kafka: KafkaServer | undefined;
  let rafka: GatewayProcess | undefined;
  let broker: KafkaWire | undefined;
  let httpPort = 0;
  let grpcPort = 0;
  const clients: Redis[] = [];

  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start({
      sasl: true,
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    });
    broker = await KafkaWire.open(kafka.brokers);
    await broker.createTopics(['hidden', 'shown', 'open', 'results']);
    await grant('topic', 'shown', 'describe');
    await grant('topic', 'shown', 'write');
    for (const topic of ['open', 'results'])
      for (const operation of ['read', 'write', 'describe'] as const) await grant('topic', topic, operation);
    [httpPort, grpcPort] = [await freePort(), await freePort()];
    rafka = await start(saslUser.password, httpPort, grpcPort);
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    await rafka?.stop();
    broker?.close();
    await kafka?.stop();
  });

  const start = (password: string, http: number, grpc: number): Promise<GatewayProcess> =>
    GatewayProcess.start({
      config: {
        general: {
          'bootstrap.servers': kafka!.saslBrokers,
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': 'PLAIN',
          'sasl.username': saslUser.username,
          'sasl.password': password,
        },
        consumer: { 'auto.offset.reset': 'earliest' },
        pool: { initialOffset: 'oldest' },
        http: { port: http },
        grpc: { port: grpc },
        resp: { transactionalId: 'shop' },
      },
    });

  type Right = [kind: 'topic' | 'group' | 'transactionalId', name: string, operation: 'read' | 'write' | 'describe'];
  const grant = (...right: Right) => broker!.allow(`User:${saslUser.username}`, ...right);

  const named = async (name: string, gateway = rafka!): Promise<Redis> => {
    const client = await connect(gateway.port);
    clients.push(client);
    await client.call('CLIENT', 'SETNAME', name);
    return client;
  };
  const pop = (client: Redis, topic: string, config = '') => client.call('BLPOP', `topics:${topic}${config}`, '20');
  /** The value of the first message that comes once what was wrong is mended. */
  const popped = async (client: Redis, topic: string): Promise<string> => {
    let value: unknown;
    await eventually(30_000, async () => {
      value = await pop(client, topic).then(
        (message) => (message as unknown[] | null)?.[7],
        () => undefined,
      );
      return value !== undefined;
    });
    return String(value);
  };
  const consume = async (topic: string, group: string, port = httpPort): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}/topics/${topic}/messages?group=${group}`)).status;
  /** @returns the status of gRPC; 0: a message came. */
  const consumeByGrpc = async (topic: string, group: string, port = grpcPort): Promise<number> => {
    const client = new PixyClient(`127.0.0.1:${port}`);
    try {
      return await client.call('ConsumeNAck', { topic, group, auto_ack: true }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
    } finally {
      client.close();
    }
  };

  test('a group without the right to read it: BLPOP says so, the next ones work when it is granted; REST 403, gRPC PERMISSION_DENIED', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const client = await named('readers:a');
    await client.call('RPUSHX', 'topics:open', 'one');
    assert.equal(await client.call('DUMP', '10000'), 0);
    await assert.rejects(pop(client, 'open'), { message: /^CONS Poll .*Group authorization failed/ });
    assert.equal(await consume('open', 'pool'), 403);
    assert.equal(await consumeByGrpc('open', 'pool'), status.PERMISSION_DENIED);
    assert.ok(rafka!.lines.some(({ client: of, code }) => of === 'readers:a' && code === 30));
    await grant('group', 'readers', 'read');
    assert.equal(await popped(client, 'open'), 'one');
    await grant('group', 'pool', 'read');
    await eventually(30_000, async () => (await consume('open', 'pool')) === 200);
  });

  test('a topic without the right to read it is no empty one', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const client = await named('readers:b');
    await client.call('RPUSHX', 'topics:shown', 'two');
    assert.equal(await client.call('DUMP', '10000'), 0);
    const denied = { message: /Topic authorization failed/ };
    await assert.rejects(pop(client, 'shown'), denied);
    assert.equal(await consume('shown', 'pool'), 403);
    assert.equal(await consumeByGrpc('shown', 'pool'), status.PERMISSION_DENIED);
    for (const command of [
      ['XRANGE', 'shown', '-', '+'],
      ['XREVRANGE', 'shown', '+', '-'],
      ['XREAD', 'STREAMS', 'shown', '0'],
      ['XREAD', 'BLOCK', '20000', 'STREAMS', 'shown', '$'],
      ['XRANGE', 'hidden', '-', '+'],
      ['XLEN', 'hidden'],
      ['XREAD', 'STREAMS', 'hidden', '0'],
      ['XREAD', 'BLOCK', '20000', 'STREAMS', 'hidden', '$'],
    ] as [string, ...string[]][])
      await assert.rejects(client.call(...command), denied, command.join(' '));
    await grant('topic', 'shown', 'read');
    assert.equal(await popped(client, 'shown'), 'two');
    await eventually(30_000, async () => (await consume('shown', 'pool')) === 200);
    assert.equal(((await client.call('XRANGE', 'shown', '-', '+')) as unknown[]).length, 1);
  });

  test('EXEC names the transactional id and the rights that it lacks, writes nothing, and works when they are granted', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const client = await named('readers:e');
    const exec = (...topics: string[]): Promise<unknown> => {
      const multi = client.multi();
      for (const topic of topics) multi.call('RPUSHX', `topics:${topic}`, 'x');
      return multi.exec();
    };
    const values = async (): Promise<unknown> => client.call('LRANGE', 'topics:results', '0', '-1');
    await assert.rejects(exec('results', 'results'), {
      message:
        /^EXECABORT Transaction discarded because of: .*transactional id 'shop-[^']*0': it needs the rights WRITE and DESCRIBE/,
    });
    assert.deepEqual(await values(), []);
    await exec('results');
    assert.deepEqual(await values(), ['x'], 'one record needs no transaction');
    const id = /transactional id '([^']+)'/;
    const refused = await exec('results', 'results').catch((error: Error) => error.message);
    const [, name] = id.exec(String(refused)) ?? [];
    for (const operation of ['write', 'describe'] as const) await grant('transactionalId', name!, operation);
    await eventually(30_000, () =>
      exec('results', 'results').then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual(await values(), ['x', 'x', 'x']);
    await assert.rejects(exec('results', 'hidden'), { message: /^EXECABORT .*Topic authorization failed/ });
    assert.deepEqual(await values(), ['x', 'x', 'x']);
  });

  test('what a group refuses of a member: the client’s own settings, and a second static member', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const client = await named('readers:c');
    await assert.rejects(pop(client, 'open', ':{"session.timeout.ms":1000}'), {
      message: /^CONS Poll .*session timeout/i,
    });
    await grant('group', 'fresh', 'read');
    await assert.rejects(pop(await named('fresh:a'), 'open', ':{"auto.offset.reset":"error"}'), {
      message: /^CONS Poll .*offset/,
    });
    const [one, other] = [await named('fresh:one'), await named('fresh:other')];
    const settings = ':{"group.instance.id":"same"}';
    const fenced = assert.rejects(
      async () => {
        for (let calls = 0; calls < 10; calls++) await pop(one, 'open', settings);
      },
      { message: /^CONS Poll .*fenced/ },
    );
    await eventually(30_000, () =>
      rafka!.lines.some(({ client: of, msg }) => of === 'fresh:one' && msg === 'partitions assigned'),
    );
    const popping = pop(other, 'open', settings).catch(() => undefined);
    await fenced;
    other.disconnect();
    await popping;
  });

  test('a group whose members share partitions in another way: BLPOP says so, REST 503, gRPC UNAVAILABLE', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await grant('group', 'mixed', 'read');
    const sticky = ':{"partition.assignment.strategy":"cooperative-sticky"}';
    const first = await named('mixed:first');
    await eventually(60_000, () => pop(first, 'open', sticky));
    // A member stays while it asks.
    const asking = pop(first, 'open', sticky);
    const range = ':{"partition.assignment.strategy":"range"}';
    await assert.rejects(pop(await named('mixed:other'), 'open', range), { message: /^CONS Poll .*[Ii]nconsistent/ });
    assert.ok(rafka!.lines.some(({ client: of, code }) => of === 'mixed:other' && code === 23));
    // Once the group has refused it; a request whose long poll ends before that has got nothing.
    await eventually(60_000, async () => (await consume('open', 'mixed')) === 503);
    await eventually(60_000, async () => (await consumeByGrpc('open', 'mixed')) === status.UNAVAILABLE);
    first.disconnect();
    await asking.catch(() => {});
  });

  test('a wrong password at Kafka: BLPOP says so, REST 503, gRPC UNAVAILABLE', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const [http, grpc] = [await freePort(), await freePort()];
    const gateway = await start('wrong', http, grpc);
    t.after(() => gateway.stop());
    const client = await named('readers:locked-out', gateway);
    await assert.rejects(pop(client, 'open'), { message: /^CONS Poll .*[Aa]uthentication/ });
    assert.ok(gateway.lines.some(({ client: of }) => of === 'readers:locked-out'));
    await eventually(60_000, async () => (await consume('open', 'pool', http)) === 503);
    await eventually(60_000, async () => (await consumeByGrpc('open', 'pool', grpc)) === status.UNAVAILABLE);
  });

  test('a relay names the server and the right that it lacks: on its source, and on its checkpoint topic', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await broker!.createTopics(['copies', 'progress', 'sealed']);
    await grant('topic', 'sealed', 'describe');
    for (const operation of ['write', 'describe'] as const) await grant('topic', 'progress', operation);
    const owner = await openKafka(kafka!.brokers);
    t.after(() => owner.close());
    // An empty one need not be read.
    await fill(owner, [{ topic: 'progress', partition: 0, key: Buffer.from('k'), value: Buffer.from('{}') }]);
    const plain = { servers: [kafka!.brokers], enable_idempotency: false };
    const limited = { servers: [kafka!.saslBrokers], enable_auth: true, sasl_mechanism: 'PLAIN', ...saslUser };
    for (const [topics, sources, target, cause] of [
      [{ hidden: 'copies' }, limited, plain, /no right to describe source topic hidden/],
      [{ sealed: 'copies' }, limited, plain, /[Aa]uthorization failed/],
      [
        { open: 'shown' },
        plain,
        { ...limited, enable_idempotency: false, checkpoint_topic: 'progress' },
        /checkpoint topic progress: .*authorization failed/,
      ],
    ] as const) {
      const { enable_idempotency: _, ...source } = { enable_idempotency: false, ...sources };
      const toml = await relayToml([], '', { topics, sources: [source], target });
      const relay = await RelayProcess.start(toml);
      t.after(() => relay.kill('SIGKILL'));
      const refused = () => relay.lines.filter(({ level, err }) => Number(level) >= 40 && cause.test(String(err)));
      await until(String(cause), () => refused().length > 0);
      assert.equal(refused()[0]?.broker, limited.servers[0]);
      relay.kill('SIGTERM');
      assert.equal(await relay.exited, 0, relay.output);
    }
  });
});
