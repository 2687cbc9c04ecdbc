// An empty answer means that there is nothing to deliver: reads that do not block wait for the fetch, and only then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { type RawClient, RespPair } from '../../../support/resp-pair.js';

async function withPair(run: (pair: RespPair, client: RawClient) => Promise<void>): Promise<void> {
  const pair = await RespPair.start({
    settings: { streams: { partitions: 1, plainLists: true, commitIntervalMs: 1 } },
  });
  try {
    await run(pair, await pair.client());
  } finally {
    await pair.stop();
  }
}

/** A record that no reader sees, as the marker of a transaction. */
function addGap({ kafka }: RespPair, topic: string): void {
  const record = { topic, key: null, value: Buffer.from('never') };
  kafka.topic(topic)!.partitions[0]!.append(record, 0, 0, { state: 'aborted' });
}

const read = ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'k', '>'];

test('XREADGROUP without BLOCK answers what is there at its first call, and what was added since at each other', () =>
  withPair(async (_, client) => {
    await client.exchange(['XADD', 'k', '*', 'value', 'one']);
    await client.exchange(['XGROUP', 'CREATE', 'k', 'g', '0']);
    assert.match(await client.exchange(read), /one/);
    for (let count = 0; count < 20; count++) {
      await client.exchange(['XADD', 'k', '*', 'value', `more ${count}`]);
      assert.match(await client.exchange(read), new RegExp(`more ${count}\r\n`));
    }
    assert.equal(await client.exchange(read), '*-1\r\n');
  }));

test('LPOP of a list with elements is never null; of an empty one it is', () =>
  withPair(async (pair, client) => {
    pair.kafka.createTopic('q', 1);
    addGap(pair, 'q');
    assert.equal(await client.exchange(['LPOP', 'q']), '$-1\r\n');
    for (let count = 0; count < 20; count++) {
      await client.exchange(['RPUSH', 'q', 'x']);
      assert.equal(await client.exchange(['LPOP', 'q']), '$1\r\nx\r\n');
    }
    assert.equal(await client.exchange(['LPOP', 'q']), '$-1\r\n');
  }));

test('a BLPOP and a BLOCK too short for the fetch get what was added before them', () =>
  withPair(async (_, client) => {
    await client.exchange(['XGROUP', 'CREATE', 'k', 'g', '0', 'MKSTREAM']);
    const blocking = read.toSpliced(4, 0, 'BLOCK', '1');
    for (let count = 0; count < 10; count++) {
      await client.exchange(['RPUSH', 'q', 'x']);
      assert.match(await client.exchange(['BLPOP', 'q', '0.001']), /x\r\n$/);
      await client.exchange(['XADD', 'k', '*', 'value', `more ${count}`]);
      assert.match(await client.exchange(blocking), new RegExp(`more ${count}\r\n`));
    }
    assert.equal(await client.exchange(['BLPOP', 'q', '0.001']), '*-1\r\n');
    assert.equal(await client.exchange(blocking), '*-1\r\n');
  }));

test('a BLPOP that ends before its group has found the new list gets the element that came meanwhile', () =>
  withPair(async (pair, client) => {
    const popped = client.exchange(['BLPOP', 'q', '0.2']);
    assert.equal(await (await pair.client()).exchange(['RPUSH', 'q', 'x']), ':1\r\n');
    assert.match(await popped, /x\r\n$/);
  }));

test('LLEN and the lag of XINFO count what can be delivered: behind a transaction they are 0', () =>
  withPair(async (pair, client) => {
    await client.exchange(['RPUSH', 'q', 'a', 'b']);
    addGap(pair, 'q');
    await client.exchange(['RPUSH', 'q', 'c']);
    addGap(pair, 'q');
    assert.equal(await client.exchange(['LLEN', 'q']), ':3\r\n');
    assert.equal(await client.exchange(['LPOP', 'q', '2']), '*2\r\n$1\r\na\r\n$1\r\nb\r\n');
    assert.equal(await client.exchange(['LLEN', 'q']), ':1\r\n');
    await client.exchange(['LPOP', 'q', '5']);
    assert.equal(await client.exchange(['LLEN', 'q']), ':0\r\n');
    await client.exchange(['XGROUP', 'CREATE', 'q', 'g', '0']);
    const lag = async () => /lag\r\n:(\d+)/.exec(await client.exchange(['XINFO', 'GROUPS', 'q']))?.[1];
    assert.equal(await lag(), '3');
    await client.exchange(['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'q', '>']);
    await eventually(5_000, async () => (await lag()) === '0');
  }));

test('above a hundred offsets those without a message in front count as none', () =>
  withPair(async (pair, client) => {
    pair.kafka.createTopic('q', 1);
    for (let count = 0; count < 150; count++) addGap(pair, 'q');
    assert.equal(await client.exchange(['LLEN', 'q']), ':0\r\n');
    await client.exchange(['RPUSH', 'q', 'x']);
    assert.equal(await client.exchange(['LLEN', 'q']), ':1\r\n');
  }));
