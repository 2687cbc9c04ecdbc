// LRANGE and LINDEX: what a list holds, over all partitions, without taking it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { RespPair } from '../../../support/resp-pair.js';

const bulks = (values: readonly string[]): string =>
  `*${values.length}\r\n${values.map((value) => `$${value.length}\r\n${value}\r\n`).join('')}`;

async function withLists(run: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({ settings: { streams: { partitions: 1, plainLists: true, maxRange: 4 } } });
  try {
    await run(pair);
  } finally {
    await pair.stop();
  }
}

test('elements that were given back are the first ones, as for LPOP', () =>
  withLists(async (pair) => {
    const [worker, other] = [await pair.client(), await pair.client()];
    await other.exchange(['RPUSH', 'q', 'a', 'b', 'c']);
    assert.equal(await worker.exchange(['LPOP', 'q', '2']), bulks(['a', 'b']));
    assert.equal(await other.exchange(['LRANGE', 'q', '0', '-1']), bulks(['c']));
    worker.socket.resetAndDestroy();
    await eventually(5_000, async () => (await other.exchange(['LLEN', 'q'])) === ':3\r\n');
    assert.equal(await other.exchange(['LRANGE', 'q', '0', '-1']), bulks(['a', 'b', 'c']));
    assert.equal(await other.exchange(['LRANGE', 'q', '-2', '1']), bulks(['b']));
    assert.equal(await other.exchange(['LINDEX', 'q', '-3']), '$1\r\na\r\n');
    assert.equal(await other.exchange(['LPOP', 'q', '3']), bulks(['a', 'b', 'c']));
  }));

test('of a topic of several partitions indexes count in the order of times, at most maxRange elements at a time', () =>
  withLists(async (pair) => {
    await pair.kafka.admin.createTopic({ name: 't', partitions: 3 });
    for (let index = 0; index < 9; index++)
      pair.kafka.seed('t', index % 3, String(index), { timestamp: 1_000 + index });
    const client = await pair.client();
    const range = (start: number, stop: number) => client.exchange(['LRANGE', 'topics:t', String(start), String(stop)]);
    assert.equal(await range(0, -1), bulks(['0', '1', '2', '3']));
    assert.equal(await range(4, -1), bulks(['4', '5', '6', '7']));
    assert.equal(await range(-3, -1), bulks(['6', '7', '8']));
    assert.equal(await range(-3, 7), bulks(['6', '7']));
    assert.equal(await range(7, 100), bulks(['7', '8']));
    assert.equal(await range(0, -8), bulks(['0', '1']));
  }));

test('an index too far from its end is refused; one beyond a short list is not', () =>
  withLists(async (pair) => {
    await pair.kafka.admin.createTopic({ name: 't', partitions: 1 });
    for (let index = 0; index < 100_002; index++) pair.kafka.seed('t', 0, 'x');
    const client = await pair.client();
    assert.match(await client.exchange(['LINDEX', 'topics:t', '100001']), /^-ERR an index may be 100000 elements/);
    assert.match(await client.exchange(['LINDEX', 'topics:t', '-100001']), /^-ERR an index may be 100000 elements/);
    assert.equal(await client.exchange(['LINDEX', 'topics:t', '100002']), '$-1\r\n');
    assert.equal(await client.exchange(['LINDEX', 'topics:t', '-1']), '$1\r\nx\r\n');
  }));
