// Streams on a real Kafka, through bin/rafka: durable ids, groups over two gateways, a crash, pub/sub, large topics.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect } from '../support/redis-client.js';
import { RawClient } from '../support/resp-pair.js';

type Entry = readonly [id: string, fields: readonly string[]];
const read = async (client: Redis, consumer: string, stream: string, count = 100, block = 15_000): Promise<Entry[]> => {
  const args = ['GROUP', 'g', consumer, 'COUNT', String(count), 'BLOCK', String(block), 'STREAMS', stream, '>'];
  const reply = (await client.call('XREADGROUP', ...args)) as [string, Entry[]][] | null;
  return reply?.[0]?.[1] ?? [];
};
const decode = (id: string) => {
  const [ms, seq] = id.split('-').map(BigInt) as [bigint, bigint];
  return { ms: Number(ms), partition: Number(seq & 0xffffn), offset: Number(seq >> 16n) };
};

describe('streams on Kafka', () => {
  let kafka: KafkaServer | undefined;
  const gateways: GatewayProcess[] = [];
  const config = () => ({
    general: { 'bootstrap.servers': kafka!.brokers },
    resp: { streams: { commitIntervalMs: 100, pendingTimeoutMs: 1_000, sessionTimeoutMs: 6_000 } },
  });
  const gateway = async (more: object = {}) => {
    const started = await GatewayProcess.start({ config: { ...config(), ...more } });
    gateways.push(started);
    return started;
  };

  before(async () => {
    if (whyNoKafka() === undefined) kafka = await KafkaServer.start();
  });
  after(async () => {
    await Promise.all(gateways.map((each) => each.stop()));
    await kafka?.stop();
  });

  test('an id says where the record is; what is acked stays acked over a restart, the rest comes again', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const rafka = await gateway();
    const client = await connect(rafka.port);
    const ids = (await Promise.all(
      Array.from({ length: 40 }, (_, n) => client.call('XADD', 'orders', '*', 'key', `k${n}`, 'value', `n${n}`)),
    )) as string[];
    for (const id of ids) assert.ok(decode(id).partition < 4 && Math.abs(decode(id).ms - Date.now()) < 60_000);
    assert.equal(new Set(ids).size, 40);
    await client.call('XGROUP', 'CREATE', 'orders', 'g', '0');
    const seen = new Map<string, string>();
    while (seen.size < 40) for (const [id, fields] of await read(client, 'c', 'orders')) seen.set(id, fields[1]!);
    assert.deepEqual([...seen.keys()].sort(), [...ids].sort());
    // Every other one is acknowledged, out of order: the rest keeps the position back, and the sparse acks are kept.
    const acked = ids.filter((_, n) => n % 2 === 0);
    assert.equal(await client.call('XACK', 'orders', 'g', ...acked.toReversed()), acked.length);
    client.disconnect();
    assert.equal(await rafka.end(), 0);
    await rafka.run();
    const again = await connect(rafka.port);
    const back = new Set<string>();
    while (back.size < 20) for (const [id] of await read(again, 'd', 'orders')) back.add(id);
    assert.deepEqual([...back].sort(), ids.filter((id) => !acked.includes(id)).sort());
    assert.deepEqual(await read(again, 'd', 'orders', 100, 300), []);
    again.disconnect();
  });

  test('entries of a member whose socket is gone come again through >, those of a living one do not', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const rafka = await gateway();
    const [living, dying] = [await connect(rafka.port), await connect(rafka.port)];
    await living.call('XGROUP', 'CREATE', 'gone', 'g', '0', 'MKSTREAM');
    for (let n = 0; n < 4; n++) await living.call('XADD', 'gone', '*', 'value', `n${n}`);
    const [mine] = await read(living, 'living', 'gone', 1);
    const taken: Entry[] = [];
    while (taken.length < 3) taken.push(...(await read(dying, 'dying', 'gone', 3)));
    dying.disconnect();
    const back: Entry[] = [];
    while (back.length < 3) back.push(...(await read(living, 'living', 'gone', 10)));
    assert.deepEqual(back.map(([id]) => id).sort(), taken.map(([id]) => id).sort());
    const pending = (await living.call('XPENDING', 'gone', 'g', '-', '+', '10')) as [string, string, number, number][];
    assert.deepEqual(
      pending.map(([id, , , deliveries]) => [id, deliveries]).sort(),
      [[mine![0], 1], ...taken.map(([id]) => [id, 2])].sort(),
    );
    living.disconnect();
  });

  test('XREAD follows a topic over all partitions without a gap', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const rafka = await gateway();
    const [writer, reader] = [await connect(rafka.port), await connect(rafka.port)];
    await writer.call('XADD', 'tail', '*', 'value', 'first');
    const seen: string[] = [];
    let last = '0';
    const following = (async () => {
      while (seen.length < 301) {
        const reply = (await reader.call('XREAD', 'COUNT', '50', 'BLOCK', '15000', 'STREAMS', 'tail', last)) as
          | [string, Entry[]][]
          | null;
        for (const [id, fields] of reply?.[0]?.[1] ?? []) {
          seen.push(fields[1]!);
          last = id;
        }
      }
    })();
    for (let n = 0; n < 300; n += 10) {
      const some = Array.from({ length: 10 }, (_, index) => writer.call('XADD', 'tail', '*', 'value', `n${n + index}`));
      await Promise.all(some);
    }
    await following;
    assert.deepEqual(seen.toSorted(), ['first', ...Array.from({ length: 300 }, (_, n) => `n${n}`)].toSorted());
    writer.disconnect();
    reader.disconnect();
  });

  test('pub/sub: what is published after the confirmation is heard, by channel and by pattern', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const rafka = await gateway();
    const writer = await connect(rafka.port);
    await writer.call('XADD', 'news', '*', 'value', 'old');
    const [listener, patterns] = [
      await RawClient.connect({ port: rafka.port }),
      await RawClient.connect({ port: rafka.port }),
    ];
    listener.send(['SUBSCRIBE', 'news']);
    await listener.take('*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n');
    patterns.send(['PSUBSCRIBE', 'ne*']);
    await patterns.take('*3\r\n$10\r\npsubscribe\r\n$3\r\nne*\r\n:1\r\n');
    assert.equal(await writer.call('PUBLISH', 'news', 'hello'), 1);
    await listener.take('*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n');
    await patterns.take('*4\r\n$8\r\npmessage\r\n$3\r\nne*\r\n$4\r\nnews\r\n$5\r\nhello\r\n');
    listener.send(['GET', 'x']);
    await listener.take("-ERR unknown command 'GET', with args beginning with: 'x' \r\n");
    listener.send(['XLEN', 'news']);
    await listener.take(
      "-ERR Can't execute 'xlen': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
    );
    listener.send(['PING']);
    await listener.take('*2\r\n$4\r\npong\r\n$0\r\n\r\n');
    listener.send(['UNSUBSCRIBE']);
    await listener.take('*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n');
    listener.send(['XLEN', 'news']);
    await listener.take(':2\r\n');
    listener.close();
    patterns.close();
    writer.disconnect();
  });

  test('an entry that is delivered too often goes to the dead letters', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const rafka = await gateway({ resp: { streams: { maxDeliveries: 2 } } });
    const client = await connect(rafka.port);
    await client.call('XGROUP', 'CREATE', 'poison', 'g', '0', 'MKSTREAM');
    const id = (await client.call('XADD', 'poison', '*', 'value', 'bad', 'trace', 't1')) as string;
    assert.equal((await read(client, 'c', 'poison')).length, 1);
    assert.equal(((await client.call('XCLAIM', 'poison', 'g', 'd', '0', id)) as unknown[]).length, 1);
    assert.equal(((await client.call('XCLAIM', 'poison', 'g', 'e', '0', id)) as unknown[]).length, 0);
    await eventually(15_000, async () => (await client.call('XLEN', 'poison.dlq')) === 1);
    const [[, fields]] = (await client.call('XRANGE', 'poison.dlq', '-', '+')) as [Entry];
    const { partition, offset } = decode(id);
    assert.deepEqual(fields, [
      ...['value', 'bad', 'trace', 't1', 'dlq.topic', 'poison', 'dlq.partition', String(partition)],
      ...['dlq.offset', String(offset), 'dlq.group', 'g.poison', 'dlq.deliveries', '2'],
    ]);
    await eventually(5_000, async () => ((await client.call('XPENDING', 'poison', 'g')) as number[])[0] === 0);
    client.disconnect();
  });
});
