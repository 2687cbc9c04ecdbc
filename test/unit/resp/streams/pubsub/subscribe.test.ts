// SUBSCRIBE: from its confirmation on nothing is missed, and the confirmation comes first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../../support/eventually.js';
import { refusal } from '../../../../support/fake/fault.js';
import { RespPair } from '../../../../support/resp-pair.js';

const confirmed = (channel: string, count: number): string =>
  `*3\r\n$9\r\nsubscribe\r\n$1\r\n${channel}\r\n:${count}\r\n`;

async function withTopics(run: (pair: RespPair) => Promise<void>): Promise<void> {
  const pair = await RespPair.start();
  for (const topic of ['a', 'b']) pair.kafka.createTopic(topic, 1);
  try {
    await run(pair);
  } finally {
    await pair.stop();
  }
}

test('what arrives while another channel of the same SUBSCRIBE is opened follows the confirmations', () =>
  withTopics(async (pair) => {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { admin } = pair.kafka;
    const watermarks = admin.watermarks.bind(admin);
    let asked = false;
    admin.watermarks = async (partitions) => {
      if (partitions[0]?.topic === 'b') {
        asked = true;
        await opened;
      }
      return watermarks(partitions);
    };
    const client = await pair.client();
    client.send(['SUBSCRIBE', 'a', 'b']);
    await eventually(5_000, () => asked);
    pair.kafka.seed('a', 0, 'early');
    const tail = pair.gateway.streams.tails.find('a')!;
    await eventually(5_000, () => tail.positions.get(0) === 1);
    assert.equal(client.received, '');
    open();
    await client.take(`${confirmed('a', 1)}${confirmed('b', 2)}*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nearly\r\n`);
  }));

test('a position that cannot be taken is an error, not a confirmation', () =>
  withTopics(async (pair) => {
    const { admin } = pair.kafka;
    const watermarks = admin.watermarks.bind(admin);
    admin.watermarks = async () => {
      throw refusal(56, 'Broker: Disk error when trying to access log file on disk');
    };
    const client = await pair.client();
    assert.match(await client.exchange(['SUBSCRIBE', 'a']), /^-ERR .*Disk error/);
    assert.match(await client.exchange(['PSUBSCRIBE', 'b*']), /^-ERR .*Disk error/);
    assert.equal(await client.exchange(['PUBSUB', 'NUMPAT']), ':0\r\n');
    admin.watermarks = watermarks;
    const other = await pair.client();
    await other.exchange(['HELLO', '3']);
    await eventually(9_000, async () => (await other.exchange(['SUBSCRIBE', 'a'])).startsWith('>3'));
    pair.kafka.seed('a', 0, 'new');
    await other.take('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\nnew\r\n');
  }));

test('INFO counts channels and patterns', () =>
  withTopics(async (pair) => {
    const [one, two, other] = [await pair.client(), await pair.client(), await pair.client()];
    one.send(['SUBSCRIBE', 'a']);
    await one.take(confirmed('a', 1));
    two.send(['SUBSCRIBE', 'a']);
    await two.take(confirmed('a', 1));
    two.send(['PSUBSCRIBE', 'b*']);
    await two.take('*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n');
    const info = await other.exchange(['INFO', 'stats']);
    assert.match(info, /pubsub_channels:1\r\npubsub_patterns:1\r\n/);
  }));
