// Entries that are too large for one read of Kafka: what was not read is neither skipped nor taken for deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { connect } from '../../../support/redis-client.js';
import { RespPair } from '../../../support/resp-pair.js';

type Entry = readonly [id: string, fields: readonly string[] | null];

const large = Buffer.alloc(400_000, 'v');

/** A stream `s` of so many large entries, over so many partitions. */
async function withLarge(
  count: number,
  partitions: number,
  streams: object,
  run: (client: Redis, more: () => Promise<Redis>) => Promise<void>,
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
    await run(await more(), more);
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
