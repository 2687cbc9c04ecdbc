// Record headers reach Kafka and come back byte for byte (needs patches/node-rdkafka; without it they are corrupted).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Header, type KafkaFactory, OFFSET_BEGINNING, type ProducerRecord } from '../../../src/core/ports.js';
import { createKafkaFactory } from '../../../src/kafka/factory.js';
import { createLog } from '../../../src/log.js';

let kafka: KafkaFactory;

before(async () => {
  kafka = await createKafkaFactory({ embedded: true, log: createLog({ level: 'silent', pretty: false }) });
});

after(() => kafka.close());

/** Produces the records to one partition of a topic of their own and reads them back. */
async function roundTrip(topic: string, headers: readonly (readonly Header[])[]): Promise<(readonly Header[])[]> {
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, 10_000);
  for (const each of headers) {
    producer.produce({
      topic,
      partition: 0,
      key: null,
      value: Buffer.from('v'),
      headers: each,
    } satisfies ProducerRecord);
  }
  assert.equal(await producer.flush(10_000), true);
  await producer.close(1000);
  const consumer = await kafka.consumer({}, 10_000);
  consumer.assign([{ topic, partition: 0, offset: OFFSET_BEGINNING }]);
  const read: (readonly Header[])[] = [];
  const deadline = performance.now() + 20_000;
  while (read.length < headers.length && performance.now() < deadline) {
    for (const message of await consumer.poll(100, 1000)) read.push(message.headers);
  }
  await consumer.close(1000);
  return read;
}

test('every byte value survives as a header of its own', async () => {
  const headers = Array.from({ length: 256 }, (_, byte) => ({ key: `byte-${byte}`, value: Buffer.from([byte]) }));
  assert.deepEqual(await roundTrip('single-bytes', [headers]), [headers]);
});

test('every byte value survives within one header, whatever stands around it', async () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const headers = [
    { key: 'up', value: all },
    { key: 'down', value: Buffer.from(all).reverse() },
    { key: 'a part of a larger buffer', value: all.subarray(100, 140) },
    { key: 'not UTF-8', value: Buffer.from('ff00fe', 'hex') },
    { key: 'long', value: Buffer.alloc(100_000, 0xe2) },
  ];
  assert.deepEqual(await roundTrip('bytes', [headers]), [headers]);
});

test('null, empty and NUL are three different values', async () => {
  const headers = [
    { key: 'null', value: null },
    { key: 'empty', value: Buffer.alloc(0) },
    { key: 'an empty part', value: Buffer.from('abc').subarray(1, 1) },
    { key: 'NUL', value: Buffer.from([0]) },
    { key: 'NULs', value: Buffer.from([0, 0, 1, 0]) },
    { key: 'the word null', value: Buffer.from('null') },
  ];
  assert.deepEqual(await roundTrip('nothings', [headers]), [headers]);
});

test('repeated and odd names are kept, in order', async () => {
  const value = (text: string) => Buffer.from(text);
  const headers = [
    { key: 'a', value: value('1') },
    { key: 'b', value: value('2') },
    { key: 'a', value: value('3') },
    { key: 'a', value: null },
    { key: '7', value: value('a number') },
    { key: '', value: value('no name') },
    { key: 'größe ☂', value: value('UTF-8') },
    { key: '__proto__', value: value('not a prototype') },
    { key: 'constructor', value: value('c') },
    { key: 'a', value: value('1') },
  ];
  assert.deepEqual(await roundTrip('repeats', [headers]), [headers]);
});

test('records with and without headers take turns', async () => {
  const some = [{ key: 'k', value: Buffer.from([0xff]) }];
  assert.deepEqual(await roundTrip('turns', [some, [], some, []]), [some, [], some, []]);
});
