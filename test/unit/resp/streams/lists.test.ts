// Plain lists: at least once. What was popped is acknowledged when the same connection asks for more, or by QUIT.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { eventually } from '../../../support/eventually.js';
import { refusal } from '../../../support/fake/fault.js';
import { RespPair } from '../../../support/resp-pair.js';

async function withList(run: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({
    settings: { streams: { partitions: 1, plainLists: true, commitIntervalMs: 1 } },
  });
  try {
    const client = await pair.client();
    assert.equal(await client.exchange(['RPUSH', 'q', 'a', 'b', 'c']), ':3\r\n');
    await run(pair);
  } finally {
    await pair.stop();
  }
}

const committed = ({ kafka }: RespPair): number =>
  kafka.groups.get('lists.q')?.committed.values().next().value?.offset ?? 0;
const pair = (value: string) => `*2\r\n$1\r\nq\r\n$1\r\n${value}\r\n`;

test('a connection that breaks gives back what it popped last; what it popped before is acknowledged', () =>
  withList(async (lists) => {
    const [first, second] = [await lists.client(), await lists.client()];
    assert.equal(await first.exchange(['BLPOP', 'q', '5']), pair('a'));
    assert.equal(await first.exchange(['BLPOP', 'q', '5']), pair('b'));
    await eventually(5_000, () => committed(lists) === 1);
    assert.equal(await second.exchange(['LLEN', 'q']), ':1\r\n');
    first.socket.resetAndDestroy();
    await eventually(5_000, async () => (await second.exchange(['LLEN', 'q'])) === ':2\r\n');
    const next = [await second.exchange(['BLPOP', 'q', '5']), await second.exchange(['BLPOP', 'q', '5'])];
    assert.deepEqual(next.toSorted(), [pair('b'), pair('c')]);
  }));

test('a pair that Kafka takes no ack for comes again some time; the next one is answered all the same', async () => {
  const lines: string[] = [];
  const lists = await RespPair.start({ onError: (line) => lines.push(line) });
  try {
    const client = await lists.client();
    for (const value of ['a', 'b']) lists.kafka.seed('orders', 0, value);
    await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
    const pop = () => client.exchange(['BLPOP', 'topics:orders:{"rafka.reply":"pair"}', '5']);
    assert.match(await pop(), /a\r\n$/);
    for (const consumer of lists.kafka.consumers)
      consumer.storeOffset = () => {
        throw refusal(KafkaCode.timedOut, 'Local: Timed out');
      };
    assert.match(await pop(), /b\r\n$/);
    assert.deepEqual(lines, []);
  } finally {
    await lists.stop();
  }
});

test('each group of CLIENT SETNAME pops everything; without a name the group is listGroup', () =>
  withList(async (lists) => {
    const [named, unnamed] = [await lists.client(), await lists.client()];
    await named.exchange(['CLIENT', 'SETNAME', 'mine:1']);
    const all = '*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n';
    for (const client of [named, unnamed]) assert.equal(await client.exchange(['LPOP', 'q', '3']), all);
    assert.deepEqual([...lists.kafka.groups.keys()].toSorted(), ['lists.q', 'mine.q']);
  }));

test('QUIT acknowledges what was popped last', () =>
  withList(async (lists) => {
    const [first, second] = [await lists.client(), await lists.client()];
    assert.equal(await first.exchange(['BLPOP', 'q', '5']), pair('a'));
    first.send(['QUIT']);
    await first.closed();
    await eventually(5_000, () => committed(lists) === 1);
    assert.equal(await second.exchange(['LLEN', 'q']), ':2\r\n');
    assert.equal(await second.exchange(['BLPOP', 'q', '5']), pair('b'));
  }));
