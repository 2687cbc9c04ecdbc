// What RPUSHX cannot write, BLPOP reads all the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RespPair } from '../../../support/resp-pair.js';

for (const [protocol, nil] of [
  ['2', '$-1\r\n'],
  ['3', '_\r\n'],
] as const) {
  test(`a tombstone is a message whose value is null (RESP${protocol})`, async () => {
    const pair = await RespPair.start();
    try {
      await pair.kafka.admin.createTopic({ name: 't', partitions: 1 });
      const producer = await pair.kafka.producer({ reports: 'all', onReport: () => {} });
      producer.produce({ topic: 't', key: Buffer.from('k'), value: null });
      const client = await pair.client();
      await client.exchange(['HELLO', protocol, 'SETNAME', 'g:c']);
      assert.equal(
        await client.exchange(['BLPOP', 'topics:t:{"auto.offset.reset":"earliest"}', '5']),
        `*8\r\n$5\r\ntopic\r\n$1\r\nt\r\n$9\r\npartition\r\n:0\r\n$6\r\noffset\r\n:0\r\n$5\r\nvalue\r\n${nil}`,
      );
    } finally {
      await pair.stop();
    }
  });
}
