// One group, clients on several workers or gateways: every entry reaches whoever asks, and who dies stops nobody for long.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect, workerOf } from '../support/redis-client.js';

type Entry = readonly [id: string, fields: readonly string[]];

/** Connections of one worker have numbers below those of the next. */

describe('stream groups that are shared', () => {
  let kafka: KafkaServer | undefined;
  const gateways: GatewayProcess[] = [];
  const clients: Redis[] = [];
  let names = 0;
  const newName = (): string => `s${names++}`;

  before(async () => {
    if (whyNoKafka() === undefined) kafka = await KafkaServer.start();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });
  after(async () => {
    await Promise.all(gateways.map((each) => each.stop()));
    await kafka?.stop();
  });

  const start = async (args: readonly string[], streams: object = {}): Promise<GatewayProcess> => {
    const settings = { plainLists: true, commitIntervalMs: 50, sessionTimeoutMs: 6_000, ...streams };
    const config = { general: { 'bootstrap.servers': kafka!.brokers }, resp: { streams: settings } };
    const gateway = await GatewayProcess.start({ args, config });
    gateways.push(gateway);
    return gateway;
  };
  const open = async ({ port }: GatewayProcess): Promise<Redis> => {
    const client = await connect(port);
    clients.push(client);
    return client;
  };
  /** A client on each of both workers. */
  const openApart = async (gateway: GatewayProcess): Promise<[Redis, Redis]> => {
    const first = await open(gateway);
    for (let tries = 0; tries < 50; tries++) {
      const other = await open(gateway);
      if ((await workerOf(other)) !== (await workerOf(first))) return [first, other];
    }
    throw new Error('every connection goes to one worker');
  };
  const fill = async (client: Redis, stream: string, count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await client.call('XADD', stream, '*', 'value', `${stream}-${n}`);
  };
  const read = async (client: Redis, consumer: string, streams: readonly string[], ...options: (string | number)[]) => {
    const ids = streams.map(() => '>');
    const words = ['GROUP', 'g', consumer, ...options, 'STREAMS', ...streams, ...ids];
    const reply = (await client.call('XREADGROUP', ...words)) as [string, Entry[]][] | null;
    return (reply ?? []).flatMap(([, entries]) => entries);
  };
  const textOf = ([, fields]: Entry): string => fields[1]!;

  describe('two workers', () => {
    let gateway: GatewayProcess;
    before(async () => {
      if (kafka) gateway = await start(['--workers', '2'], { pendingTimeoutMs: 2_000 });
    });

    test('a client that dies with an entry in its hands stops nobody on the other worker', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const stream = newName();
      const [dying, living] = await openApart(gateway);
      await fill(living, stream, 40);
      await living.call('XGROUP', 'CREATE', stream, 'g', '0');
      await eventually(
        30_000,
        async () => (await read(dying, 'dying', [stream], 'COUNT', 1, 'BLOCK', 1_000)).length === 1,
      );
      dying.disconnect();
      const seen = new Set<string>();
      await eventually(30_000, async () => {
        for (const entry of await read(living, 'living', [stream], 'BLOCK', 500)) seen.add(textOf(entry));
        return seen.size === 40;
      });
    });

    test('members on both workers are one group: each entry once, pending entries and consumers seen from both', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const stream = newName();
      const [a, b] = await openApart(gateway);
      await fill(a, stream, 60);
      await a.call('XGROUP', 'CREATE', stream, 'g', '0');
      const seen: string[] = [];
      await eventually(30_000, async () => {
        const both = [
          read(a, 'a', [stream], 'COUNT', 5, 'BLOCK', 100),
          read(b, 'b', [stream], 'COUNT', 5, 'BLOCK', 100),
        ];
        for (const entries of await Promise.all(both)) seen.push(...entries.map(([id]) => id));
        return seen.length >= 60;
      });
      assert.equal(new Set(seen).size, 60);
      assert.equal(seen.length, 60);
      for (const client of [a, b]) {
        assert.equal(((await client.call('XPENDING', stream, 'g')) as [number])[0], 60);
        assert.equal(((await client.call('XINFO', 'CONSUMERS', stream, 'g')) as unknown[]).length, 2);
        const groups = (await client.call('XINFO', 'GROUPS', stream)) as unknown[][];
        assert.deepEqual(groups[0]!.slice(0, 6), ['name', 'g', 'consumers', 2, 'pending', 60]);
      }
      const own = (await b.call('XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', stream, '0')) as [string, Entry[]][];
      const claimed = (await a.call('XAUTOCLAIM', stream, 'g', 'c', '0', '0', 'COUNT', '100')) as [string, Entry[]];
      assert.ok(own[0]![1].length > 0);
      assert.equal(claimed[1].length, 60);
      assert.equal(await b.call('XACK', stream, 'g', ...seen), 60);
      assert.equal(await b.call('XGROUP', 'DELCONSUMER', stream, 'g', 'c'), 0);
      assert.equal(await a.call('XGROUP', 'DESTROY', stream, 'g'), 1);
    });

    test('a read that waits on the other worker is answered, ended and counted as waiting', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const stream = newName();
      const [a, b] = await openApart(gateway);
      await a.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM');
      await read(a, 'a', [stream], 'BLOCK', 2_000);
      const waiting = read(b, 'b', [stream], 'BLOCK', 0);
      await a.call('XADD', stream, '*', 'value', 'come');
      assert.deepEqual((await waiting).map(textOf), ['come']);
      const id = String(await b.call('CLIENT', 'ID'));
      const ended = b.call('XREADGROUP', 'GROUP', 'g', 'b', 'BLOCK', '0', 'STREAMS', stream, '>');
      await eventually(10_000, async () => (await a.call('CLIENT', 'UNBLOCK', id)) === 1);
      assert.equal(await ended, null);
      // What comes now is not handed to the wait that has ended.
      await a.call('XADD', stream, '*', 'value', 'later');
      assert.deepEqual((await read(a, 'a', [stream], 'BLOCK', 10_000)).map(textOf), ['later']);
    });

    test('one XREADGROUP of streams that different workers read', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const [one, other, third] = [newName(), newName(), newName()];
      const [a, b] = await openApart(gateway);
      for (const stream of [one, other, third]) await a.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM');
      await read(a, 'a', [one], 'BLOCK', 2_000);
      await read(b, 'b', [other], 'BLOCK', 2_000);
      const seen = new Set<string>();
      const waiting = read(a, 'a', [one, other, third], 'BLOCK', 0);
      await fill(b, other, 3);
      for (const entry of await waiting) seen.add(textOf(entry));
      for (const stream of [one, third]) await fill(b, stream, 3);
      await eventually(30_000, async () => {
        for (const client of [a, b])
          for (const entry of await read(client, 'a', [one, other, third], 'BLOCK', 200)) seen.add(textOf(entry));
        return seen.size === 9;
      });
      await assert.rejects(read(b, 'b', [one, other, 'none-such']), /NOGROUP/);
    });

    test('lists: each element to one client, given back by one that breaks, done when more is asked for or by QUIT', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const [list, second] = [newName(), newName()];
      const [a, b] = await openApart(gateway);
      const values = Array.from({ length: 10 }, (_, n) => `v${n}`);
      assert.equal(await a.call('RPUSH', list, ...values), 10);
      const popped: string[] = [];
      const take = async (client: Redis): Promise<void> => {
        const pair = (await client.call('BLPOP', list, '10')) as [string, string] | null;
        if (pair) popped.push(pair[1]);
      };
      for (const client of [a, b, a, b]) await take(client);
      // The last element of b comes again, and the two before are done.
      const [, , , last] = popped;
      b.disconnect();
      const [, other] = await openApart(gateway);
      await eventually(20_000, async () => (await a.call('LLEN', list)) === 7);
      assert.equal(await other.call('LLEN', list), 7);
      while (popped.length < 11) await take(popped.length % 2 === 0 ? a : other);
      assert.deepEqual(popped.toSorted(), [...values, last!].toSorted());
      for (const client of [a, other]) await client.call('QUIT');
      const [c, d] = await openApart(gateway);
      assert.equal(await c.call('LPOP', list), null);
      // Several lists, of which only one worker reads each.
      await c.call('RPUSH', second, 'w');
      await eventually(20_000, async () => (await c.call('LPOP', second)) === 'w');
      const waiting = d.call('BLPOP', list, second, '20');
      await c.call('RPUSH', second, 'x');
      assert.deepEqual(await waiting, [second, 'x']);
      await c.call('RPUSH', list, 'y');
      assert.deepEqual(await d.call('BLPOP', second, list, '20'), [list, 'y']);
    });

    test('a worker that is killed: the other one reads the group on', async (t) => {
      if (!met(t, whyNoKafka())) return;
      const stream = newName();
      const [a, b] = await openApart(gateway);
      await a.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM');
      await read(a, 'a', [stream], 'BLOCK', 2_000);
      const waiting = read(b, 'b', [stream], 'BLOCK', 0);
      const pids = gateway.lines.find(({ msg, workers }) => msg === 'listening' && workers !== undefined)!
        .pids as number[];
      process.kill(pids[await workerOf(a)]!, 'SIGKILL');
      await b.connect().catch(() => {});
      const writer = await open(gateway);
      await fill(writer, stream, 1);
      assert.deepEqual((await waiting).map(textOf), [`${stream}-0`]);
    });
  });

  test('two gateways: one that nobody asks any more leaves the group, though a client died there with an entry', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const settings = { pendingTimeoutMs: 2_000, idleMs: 1_000 };
    const [first, second] = await Promise.all([start([], settings), start([], settings)]);
    const stream = newName();
    const [dying, living] = [await open(first), await open(second)];
    await fill(living, stream, 40);
    await living.call('XGROUP', 'CREATE', stream, 'g', '0');
    // What one gateway made is known to another one within a second.
    await eventually(10_000, async () => (await dying.call('EXISTS', stream)) === 1);
    await eventually(
      30_000,
      async () => (await read(dying, 'dying', [stream], 'COUNT', 1, 'BLOCK', 1_000)).length === 1,
    );
    dying.disconnect();
    const seen = new Set<string>();
    await eventually(60_000, async () => {
      const entries = await read(living, 'living', [stream], 'BLOCK', 500);
      for (const entry of entries) seen.add(textOf(entry));
      if (entries.length > 0) await living.call('XACK', stream, 'g', ...entries.map(([id]) => id));
      return seen.size === 40;
    });
  });
});
