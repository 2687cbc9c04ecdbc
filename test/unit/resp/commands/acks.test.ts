// RPUSH acks with several acks: the furthest of each partition counts, in whatever order they come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../support/eventually.js';
import { RespPair } from '../../../support/resp-pair.js';

const key = 'topics:t:{"auto.offset.reset":"earliest"}';

test('several acks in any order move the position behind the furthest, and each counts', async () => {
  const pair = await RespPair.start();
  try {
    await pair.kafka.admin.createTopic({ name: 't', partitions: 1 });
    const producer = await pair.kafka.producer({ reports: 'all', onReport: () => {} });
    for (const value of ['a', 'b', 'c', 'd']) producer.produce({ topic: 't', key: null, value: Buffer.from(value) });
    const client = await pair.client();
    await client.exchange(['CLIENT', 'SETNAME', 'g:c']);
    for (const value of ['a', 'b', 'c', 'd'])
      assert.ok((await client.exchange(['BLPOP', key, '5'])).endsWith(`${value}\r\n`));
    assert.equal(await client.exchange(['RPUSH', 'acks', 't:0:1', 't:0:2', 't:0:0']), ':3\r\n');
    assert.match(await client.exchange(['HGETALL', 'stats']), /consumer\.acks\r\n\$1\r\n3\r\n/);
    assert.match(await client.exchange(['RPUSH', 'acks', 't:0:0', 't:0:9']), /^-/);
    assert.equal(await client.exchange(['QUIT']), '+OK\r\n');
    const next = await pair.client();
    await next.exchange(['CLIENT', 'SETNAME', 'g:d']);
    assert.ok((await next.exchange(['BLPOP', key, '5'])).endsWith('$1\r\nd\r\n'));
  } finally {
    await pair.stop();
  }
});

test('of many acks in one command some are refused at once and others later: an error, and the rest is taken', async () => {
  const pair = await RespPair.start();
  try {
    await pair.kafka.admin.createTopic({ name: 't', partitions: 4 });
    for (const partition of [0, 1, 2, 3]) pair.kafka.seed('t', partition, `of ${partition}`);
    const client = await pair.client();
    await client.exchange(['CLIENT', 'SETNAME', 'g:a']);
    assert.match(await client.exchange(['BLPOP', key, '5']), /^\*8/);
    // The broker is asked about what was not read here; partition 99 is nobody's, which is known at once.
    assert.match(await client.exchange(['RPUSH', 'acks', 't:1:5', 't:2:5', 't:0:5', 't:99:0', 't:3:0']), /^-CONS /);
    assert.match(await client.exchange(['RPUSH', 'acks', 't:99:0', 't:1:0', 't:98:0']), /^-CONS Partition t:99 /);
    assert.equal(await client.exchange(['QUIT']), '+OK\r\n');
    const partitions = [0, 1, 2, 3].map((partition) => ({ topic: 't', partition }));
    await eventually(10_000, async () => {
      const committed = await pair.kafka.admin.groupOffsets('g', partitions);
      const moved = committed.filter(({ offset }) => offset === 1);
      return moved.map(({ partition }) => partition).join(' ') === '1 3';
    });
  } finally {
    await pair.stop();
  }
});
