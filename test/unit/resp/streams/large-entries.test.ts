// Entries that are too large for one read of Kafka: what was not read is neither skipped nor taken for deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually } from '../../../support/eventually.js';
import type { FakeKafka } from '../../../support/fake-kafka.js';
import { connect } from '../../../support/redis-client.js';
import { RespPair } from '../../../support/resp-pair.js';

type Entry = readonly [id: string, fields: readonly string[] | null];

const large = Buffer.alloc(400_000, 'v');

/** A stream `s` of so many large entries, over so many partitions. */
async function withLarge(
  count: number,
  partitions: number,
  streams: object,
  run: (client: Redis, more: () => Promise<Redis>, kafka: FakeKafka) => Promise<void>,
): Promise<void> {
  const pair = await RespPair.start({ settings: { streams: { pendingBytes: 0, ...streams } } });
  const clients: Redis[] = [];
  const more = async () => {
    const client = await connect(pair.server.port);
    clients.push(client);
    return client;
  };
  try {
    pair.kafka.createTopic('s', partitions);
    // One partition after the other, so that the end of the first one's share is reached before the last one is looked at.
    for (let n = 0; n < count; n++)
      pair.kafka.seed('s', Math.floor((n * partitions) / count), large, { timestamp: 1_000 + n });
    await run(await more(), more, pair.kafka);
  } finally {
    for (const client of clients) client.disconnect();
    await pair.stop();
  }
}

const idsOf = (entries: unknown): string[] => (entries as Entry[]).map(([id]) => id);

/** Every entry of the stream, a page at a time, each page behind the last entry of the one before. */
async function paged(page: (last: string | undefined) => Promise<unknown>): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  for (let pages = 0; pages < 100; pages++) {
    const found = idsOf(await page(ids.at(-1)));
    if (found.length === 0) return { ids, pages };
    ids.push(...found);
  }
  throw new Error('the pages do not end');
}

test('XRANGE and XREVRANGE page through large entries without a gap', () =>
  withLarge(400, 4, {}, async (client) => {
    const up = await paged((last) => client.call('XRANGE', 's', last ? `(${last}` : '-', '+', 'COUNT', 1_000));
    const times = up.ids.map((id) => Number(id.split('-')[0]));
    assert.deepEqual(
      times,
      Array.from({ length: 400 }, (_, n) => 1_000 + n),
    );
    assert.ok(up.pages > 1);
    const down = await paged((last) => client.call('XREVRANGE', 's', last ? `(${last}` : '+', '-'));
    assert.deepEqual(down.ids, up.ids.toReversed());
  }));

test('XREAD pages through large entries without a gap, each page over another connection', () =>
  withLarge(400, 4, { clockSkewMs: 0 }, async (_, more) => {
    const { ids } = await paged(async (last) => {
      const client = await more();
      const reply = await client.call('XREAD', 'COUNT', 10_000, 'STREAMS', 's', last ?? '0');
      return (reply as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
    });
    assert.equal(new Set(ids).size, 400);
    assert.equal(ids.length, 400);
  }));

test('a single entry that is larger than a read is still delivered', async () => {
  const pair = await RespPair.start();
  const huge = 33 * 1024 * 1024;
  pair.kafka.createTopic('s', 2);
  for (const timestamp of [1, 2, 3]) pair.kafka.seed('s', timestamp % 2, Buffer.alloc(huge), { timestamp });
  const client = await connect(pair.server.port);
  try {
    const up = await paged((last) => client.call('XRANGE', 's', last ? `(${last}` : '-', '+'));
    const down = await paged((last) => client.call('XREVRANGE', 's', last ? `(${last}` : '+', '-'));
    assert.equal(up.ids.length, 3);
    assert.deepEqual(down.ids, up.ids.toReversed());
  } finally {
    client.disconnect();
    await pair.stop();
  }
});

/** All of a group's entries, read as this consumer and not acknowledged. */
async function readAll(client: Redis, consumer: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  await eventually(9_000, async () => {
    ids.push(...(await readGroup(client, consumer, '>', 'BLOCK', 100)).map(([id]) => id));
    return ids.length >= count;
  });
  return ids;
}

async function readGroup(client: Redis, consumer: string, id: string, ...options: (string | number)[]) {
  const reply = await client.call('XREADGROUP', 'GROUP', 'g', consumer, ...options, 'STREAMS', 's', id);
  return (reply as [string, Entry[]][] | null)?.[0]?.[1] ?? [];
}

async function pendingIn(client: Redis): Promise<number> {
  const [count] = (await client.call('XPENDING', 's', 'g')) as [number];
  return count;
}

test('XAUTOCLAIM and XCLAIM claim what they can give; what was not read from Kafka stays pending', () =>
  withLarge(200, 4, {}, async (client) => {
    await client.call('XGROUP', 'CREATE', 's', 'g', '0');
    await readAll(client, 'dead', 200);
    const claimed: string[] = [];
    let [start, calls] = ['0', 0];
    do {
      const reply = await client.call('XAUTOCLAIM', 's', 'g', 'living', '0', start, 'COUNT', '1000');
      const [next, entries, deleted] = reply as [string, Entry[], string[]];
      assert.deepEqual(deleted, []);
      for (const [id, fields] of entries) {
        assert.equal(fields![1]!.length, large.length);
        claimed.push(id);
      }
      start = next;
    } while (start !== '0-0' && ++calls < 50);
    assert.ok(calls > 1);
    assert.equal(new Set(claimed).size, 200);
    assert.equal(claimed.length, 200);
    const again = (await client.call('XCLAIM', 's', 'g', 'other', '0', ...claimed)) as Entry[];
    assert.ok(again.length > 10 && again.length < 200);
    assert.equal(await pendingIn(client), 200);
    const others = (await client.call('XPENDING', 's', 'g', '-', '+', '1000', 'other')) as unknown[];
    assert.equal(others.length, again.length);
  }));

test('a member reads its own large entries again page by page, and after DELCONSUMER the others get them all', () =>
  withLarge(200, 4, {}, async (client) => {
    await client.call('XGROUP', 'CREATE', 's', 'g', '0');
    const ids = await readAll(client, 'first', 200);
    const own = await paged((last) => readGroup(client, 'first', last ?? '0'));
    assert.deepEqual(own.ids.toSorted(), ids.toSorted());
    assert.ok(own.pages > 1);
    assert.equal(await client.call('XGROUP', 'DELCONSUMER', 's', 'g', 'first'), 200);
    const seen = new Set<string>();
    await eventually(9_000, async () => {
      for (const [id, fields] of await readGroup(client, 'second', '>', 'COUNT', 1_000)) {
        assert.ok(fields, `${id} has no fields`);
        seen.add(id);
      }
      return seen.size === 200;
    });
    assert.equal(await pendingIn(client), 200);
  }));

test('an entry that Kafka has no more is reported deleted, and nothing else', () =>
  withLarge(20, 1, {}, async (client, _, kafka) => {
    await client.call('XGROUP', 'CREATE', 's', 'g', '0');
    const ids = await readAll(client, 'dead', 20);
    kafka.partition('s', 0)!.low = 5;
    const reply = await client.call('XAUTOCLAIM', 's', 'g', 'living', '0', '0');
    const [next, entries, deleted] = reply as [string, Entry[], string[]];
    assert.equal(next, '0-0');
    assert.deepEqual(deleted, ids.slice(0, 5));
    assert.deepEqual(idsOf(entries), ids.slice(5));
    assert.equal(await pendingIn(client), 15);
  }));

test('pops of plain lists answer every large element, those that were given back too', () =>
  withLarge(200, 4, { plainLists: true }, async (client, more) => {
    const breaking = await more();
    await eventually(9_000, async () => {
      const first = (await breaking.call('LPOP', 's', '100')) as string[] | null;
      return first !== null && first.length > 10;
    });
    breaking.disconnect();
    let popped = 0;
    await eventually(20_000, async () => {
      const values = (await client.call('LPOP', 's', '1000')) as string[] | null;
      for (const value of values ?? []) assert.equal(value.length, large.length);
      popped += values?.length ?? 0;
      return popped >= 200;
    });
    assert.equal(popped, 200);
  }));

test('an element that could not be read is not acknowledged by the next pop', () =>
  withLarge(2, 1, { plainLists: true, readTimeoutMs: 200 }, async (client, more, kafka) => {
    const breaking = await more();
    assert.ok(await breaking.call('BLPOP', 's', '9'));
    kafka.faults.stalled = true;
    breaking.disconnect();
    await eventually(9_000, async () => (await client.call('LLEN', 's')) === 2);
    await assert.rejects(client.call('LPOP', 's'), /could not be read in time/);
    kafka.unstall();
    const popped = [await client.call('LPOP', 's'), await client.call('BLPOP', 's', '9')];
    assert.ok(popped.every((value) => value !== null));
    assert.equal(await client.call('LPOP', 's'), null);
  }));
