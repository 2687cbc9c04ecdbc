// EXEC on a real Kafka: what it was answered for is read at once, and acknowledgements of streams and lists are part of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect, workerOf } from '../support/redis-client.js';

type Command = readonly [string, ...string[]];
type Entry = readonly [id: string, fields: readonly string[]];

describe('EXEC on a real Kafka', () => {
  let kafka: KafkaServer | undefined;
  let rafka: GatewayProcess | undefined;
  const clients: Redis[] = [];

  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start({ properties: { 'group.min.session.timeout.ms': '1000' } });
    rafka = await GatewayProcess.start({
      config: {
        general: { 'bootstrap.servers': kafka.brokers },
        resp: { streams: { plainLists: true, sessionTimeoutMs: 2_000 } },
      },
    });
  });
  after(async () => {
    for (const client of clients) client.disconnect();
    await rafka?.stop();
    await kafka?.stop();
  });

  const open = async (port = rafka!.port): Promise<Redis> => {
    const client = await connect(port);
    clients.push(client);
    return client;
  };
  /** @returns the commands' replies @throws EXECABORT */
  const exec = async (client: Redis, ...commands: Command[]): Promise<unknown[]> => {
    const multi = client.multi();
    for (const [name, ...args] of commands) multi.call(name, ...args);
    return (await multi.exec())!.map(([error, reply]) => error ?? reply);
  };
  const elements = (client: Redis, key: string) => client.call('LRANGE', key, '0', '-1') as Promise<string[]>;
  const values = (entries: unknown): unknown[] => (entries as Entry[]).map(([, fields]) => fields[1]);

  test('reads that follow see its records, of topics too that are new, on every connection', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const [writer, reader] = [await open(), await open()];
    for (let n = 0; n < 3; n++) {
      const [topic, stream] = [`topic${n}`, `stream${n}`];
      // Asked before: that they are missing is known.
      assert.equal(await reader.call('XLEN', topic), 0);
      await exec(
        writer,
        ['RPUSHX', `topics:${topic}`, 'a'],
        ['RPUSHX', `topics:${topic}`, 'b'],
        ['XADD', stream, '*', 'v', 'c'],
      );
      const [list, range, read] = await Promise.all([
        elements(reader, `topics:${topic}`),
        writer.call('XRANGE', stream, '-', '+'),
        reader.call('XREAD', 'STREAMS', stream, '0'),
      ]);
      assert.deepEqual(list.toSorted(), ['a', 'b'], topic);
      assert.deepEqual(values(range), ['c'], topic);
      assert.deepEqual(values((read as [string, unknown][] | null)?.[0]?.[1] ?? []), ['c'], topic);
      await exec(writer, ['RPUSHX', `topics:${topic}`, 'd'], ['XADD', stream, '*', 'v', 'e']);
      assert.equal((await elements(writer, `topics:${topic}`)).length, 3, topic);
      assert.deepEqual(values(await reader.call('XRANGE', stream, '-', '+')), ['c', 'e'], topic);
    }
  });

  test('XACK, pops and LREM hold with the records, also after the gateway was killed; twice they do not go', async (t) => {
    if (!met(t, whyNoKafka())) return;
    let client = await open();
    const next = async (): Promise<Entry | undefined> => {
      const reply = await client.call('XREADGROUP', 'GROUP', 'g', 'me', 'COUNT', '1', 'STREAMS', 'in', '>');
      return (reply as [string, Entry[]][] | null)?.[0]?.[1][0];
    };
    await client.call('XGROUP', 'CREATE', 'in', 'g', '0', 'MKSTREAM');
    for (const value of ['1', '2']) await client.call('XADD', 'in', '*', 'v', value);
    const first = (await next())!;
    const handled: Command[] = [
      ['XADD', 'out', '*', 'v', first[1][1]!],
      ['XACK', 'in', 'g', first[0]],
    ];
    assert.equal((await exec(client, ...handled))[1], 1);
    await assert.rejects(exec(client, ...handled), { message: /^EXECABORT / });

    await client.call('RPUSH', 'jobs', 'a', 'b', 'c');
    assert.equal(await client.call('LPOP', 'jobs'), 'a');
    assert.deepEqual(await exec(client, ['RPUSH', 'done', 'a'], ['RPUSH', 'done', 'A'], ['LPOP', 'jobs']), [1, 1, 'b']);

    await client.call('RPUSH', 'queue', 'x', 'y', 'z');
    const move: Command = ['LMOVE', 'queue', 'queue:processing', 'LEFT', 'RIGHT'];
    const remove: Command = ['LREM', 'queue:processing', '1', 'x'];
    assert.equal(await client.call(...move), 'x');
    assert.deepEqual(await exec(client, ['RPUSH', 'results', 'X'], remove, move), [1, 1, 'y']);
    assert.deepEqual(await elements(client, 'queue:processing'), ['y']);
    await assert.rejects(exec(client, ['RPUSH', 'results', 'X'], remove), { message: /^EXECABORT / });

    await rafka!.end('SIGKILL');
    await rafka!.run();
    client = await open();
    assert.deepEqual((await next())?.[1], ['v', '2']);
    assert.deepEqual(values(await client.call('XRANGE', 'out', '-', '+')), ['1']);
    // Popped within the transaction, and not acknowledged since.
    assert.equal(await client.call('BLPOP', 'jobs', '20').then((reply) => (reply as string[])[1]), 'b');
    assert.deepEqual(await elements(client, 'done'), ['a', 'A']);
    assert.equal(await client.call('BLPOP', 'queue', '20').then((reply) => (reply as string[])[1]), 'y');
    assert.deepEqual(await elements(client, 'results'), ['X']);
  });

  test('connections of another worker see what EXEC has written and acknowledged', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const workers = await GatewayProcess.start({
      config: { general: { 'bootstrap.servers': kafka!.brokers }, resp: { streams: { plainLists: true } } },
      args: ['--workers', '2'],
    });
    try {
      const writer = await open(workers.port);
      let reader = await open(workers.port);
      while ((await workerOf(reader)) === (await workerOf(writer))) reader = await open(workers.port);
      for (let n = 1; n <= 10; n++) {
        const stream = `shared${n % 2}`;
        await exec(
          writer,
          ['XADD', stream, '*', 'v', 'a'],
          ['XADD', stream, '*', 'v', 'b'],
          ['RPUSH', 'todo', 'x', 'y'],
        );
        const [entries, todo] = await Promise.all([
          reader.call('XRANGE', stream, '-', '+'),
          reader.call('LLEN', 'todo'),
        ]);
        assert.equal((entries as unknown[]).length, 2 * Math.ceil(n / 2), `${n} EXECs`);
        assert.equal(todo, 2, `${n} EXECs`);
        await exec(writer, ['LPOP', 'todo'], ['LPOP', 'todo'], ['RPUSH', 'finished', 'x', 'y']);
        // What was popped is acknowledged by the next command.
        await writer.call('PING');
        assert.equal(await reader.call('LLEN', 'finished'), 2 * n);
        assert.equal(await reader.call('LLEN', 'todo'), 0, `${n} EXECs`);
      }
    } finally {
      await workers.stop();
    }
  });
});
