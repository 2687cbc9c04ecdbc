// Streams whose times do not grow with their offsets, on a real Kafka and on the embedded one: every way of reading finds every
// entry once.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import type { KafkaFactory } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { connect, workerOf } from '../support/redis-client.js';

type Entry = readonly [id: string, fields: readonly string[]];

const log = pino({ level: 'silent' });
const partitions = 4;
const day = Date.UTC(2020, 0, 1);
/** Times of each partition: forward, backward, one clock a year ahead, and one that stands still at the beginning of time. */
const times: readonly (readonly number[])[] = [
  Array.from({ length: 60 }, (_, n) => day + n * 10),
  Array.from({ length: 60 }, (_, n) => day + 600 - n * 10),
  Array.from({ length: 60 }, (_, n) => day + (n === 20 ? 31_536_000_000 : n * 7)),
  Array.from({ length: 60 }, (_, n) => (n < 5 ? 1 : day + ((n * 37) % 60) * 10)),
];

const suites = [
  { name: 'a Kafka', workers: 1, skip: whyNoKafka() },
  { name: 'the embedded Kafka, through two workers', workers: 2, skip: undefined },
];

for (const { name, workers, skip } of suites) {
  describe(`times that do not grow, on ${name}`, () => {
    let kafka: KafkaServer | undefined;
    let rafka: GatewayProcess;
    let factory: KafkaFactory;
    const clients: Redis[] = [];
    const client = async (): Promise<Redis> => {
      const opened = await connect(rafka.port);
      clients.push(opened);
      return opened;
    };

    /** A list of topics may be a second old, in each worker: until several connections in a row of each find all entries. */
    async function known(stream: string, length: number): Promise<void> {
      const inARow = new Map<number, number>();
      const opened: Redis[] = [];
      const lengths: unknown[] = [];
      await eventually(30_000, async () => {
        const one = await client();
        lengths.push(await one.call('XLEN', stream));
        const entries = (await one.call('XRANGE', stream, '-', '+', 'COUNT', '1000')) as Entry[];
        const worker = await workerOf(one);
        opened.push(one);
        if (lengths.at(-1) === length && entries.length === length) inARow.set(worker, (inARow.get(worker) ?? 0) + 1);
        else inARow.clear();
        return inARow.size === workers && [...inARow.values()].every((times) => times >= 5);
      }).catch((cause) => assert.fail(`${length} entries were written, XLEN told ${lengths.slice(-20)}: ${cause}`));
      for (const one of opened) one.disconnect();
    }

    before(async () => {
      if (skip !== undefined) return;
      if (name === 'a Kafka') {
        kafka = await KafkaServer.start();
        rafka = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
        factory = await createKafkaFactory({ general: { 'bootstrap.servers': kafka.brokers }, log });
      } else {
        rafka = await GatewayProcess.start({ args: ['--embedded', '--workers', String(workers)] });
        const brokers = /kafka_brokers:(\S+)/.exec(String(await (await client()).call('INFO', 'kafka')))![1]!;
        factory = await createKafkaFactory({ embedded: { brokers }, log });
      }
      const producer = await factory.producer({ reports: 'errors', onReport: () => {} }, 10_000);
      for (const [partition, each] of times.entries())
        for (const [offset, timestamp] of each.entries())
          producer.produce({
            topic: 'odd',
            partition,
            key: null,
            value: Buffer.from(`${partition}:${offset}`),
            timestamp,
          });
      assert.equal(await producer.flush(20_000), true);
      await producer.close(5_000);
      await known('odd', partitions * 60);
    });
    after(async () => {
      for (const each of clients) each.disconnect();
      await factory?.close();
      await rafka?.stop();
      await kafka?.stop();
    });

    const valuesOf = (entries: readonly Entry[]) => entries.map(([, fields]) => fields[1]!);
    const whole = () => times.flatMap((each, partition) => each.map((_, offset) => `${partition}:${offset}`)).sort();

    /** All pages, each of which begins behind the last id of the one before. */
    async function paged(page: (last: string | undefined) => Promise<readonly Entry[]>): Promise<Entry[]> {
      const all: Entry[] = [];
      for (let pages = 0; pages < 500; pages++) {
        const entries = await page(all.at(-1)?.[0]);
        if (entries.length === 0) return all;
        all.push(...entries);
      }
      throw new Error(`the pages do not end: ${valuesOf(all).slice(0, 50)}`);
    }

    const up = async (stream: string, count: number) => {
      const one = await client();
      return paged(
        (last) => one.call('XRANGE', stream, last ? `(${last}` : '-', '+', 'COUNT', count) as Promise<Entry[]>,
      );
    };
    const down = async (stream: string, count: number) => {
      const one = await client();
      return paged(
        (last) => one.call('XREVRANGE', stream, last ? `(${last}` : '+', '-', 'COUNT', count) as Promise<Entry[]>,
      );
    };
    const xread = (stream: string, count: number) =>
      paged(async (last) => {
        const one = await client();
        const reply = (await one.call('XREAD', 'COUNT', count, 'STREAMS', stream, last ?? '0')) as
          | [string, Entry[]][]
          | null;
        one.disconnect();
        return reply?.[0]?.[1] ?? [];
      });

    test('XRANGE, XREVRANGE and XREAD over new connections give every entry once, a partition in its order', async (t) => {
      if (!met(t, skip)) return;
      const all = await up('odd', 1_000);
      assert.deepEqual(valuesOf(all).sort(), whole());
      for (let partition = 0; partition < partitions; partition++) {
        const offsets = valuesOf(all).filter((value) => value.startsWith(`${partition}:`));
        assert.deepEqual(
          offsets,
          times[partition]!.map((_, offset) => `${partition}:${offset}`),
        );
      }
      for (const count of [7, 100]) {
        assert.deepEqual(await up('odd', count), all);
        assert.deepEqual(await down('odd', count), all.toReversed());
        assert.deepEqual(await xread('odd', count), all);
      }
    });

    test('an id finds its entry, whatever the times around it are', async (t) => {
      if (!met(t, skip)) return;
      const one = await client();
      for (const entry of (await up('odd', 1_000)).filter((_, at) => at % 11 === 0)) {
        assert.deepEqual(await one.call('XRANGE', 'odd', entry[0], entry[0]), [entry]);
        assert.deepEqual(await one.call('XREVRANGE', 'odd', entry[0], entry[0]), [entry]);
      }
    });

    test('XREAD, XGROUP CREATE and SETID take from a time on what has it or a later one, and all behind that', async (t) => {
      if (!met(t, skip)) return;
      const one = await client();
      const read = async (): Promise<string[]> => {
        const got: string[] = [];
        for (;;) {
          const args = ['GROUP', 'g', 'c', 'COUNT', '1000', 'BLOCK', got.length === 0 ? '20000' : '1000'];
          const reply = (await one.call('XREADGROUP', ...args, 'STREAMS', 'odd', '>')) as [string, Entry[]][] | null;
          if (!reply) return got.sort();
          got.push(...valuesOf(reply[0]![1]));
        }
      };
      const from = (ms: number) =>
        times
          .flatMap((each, partition) => {
            const first = each.findIndex((time) => time >= ms);
            return each.flatMap((_, offset) => (first >= 0 && offset >= first ? [`${partition}:${offset}`] : []));
          })
          .sort();
      // Before the first record: nothing is left out, the first offset of the first partition neither.
      for (const ms of [2, day + 300]) {
        const reply = (await one.call('XREAD', 'STREAMS', 'odd', String(ms))) as [string, Entry[]][];
        assert.deepEqual(valuesOf(reply[0]![1]).sort(), from(ms));
      }
      await one.call('XGROUP', 'CREATE', 'odd', 'g', String(day + 300));
      assert.deepEqual(await read(), from(day + 300));
      await one.call('XGROUP', 'SETID', 'odd', 'g', '2');
      assert.deepEqual(await read(), from(2));
    });

    test('a record that comes late, with an older time, is read over any connection', async (t) => {
      if (!met(t, skip)) return;
      const producer = await factory.producer({ reports: 'errors', onReport: () => {} }, 10_000);
      const produce = async (partition: number, timestamp: number, value: string) => {
        producer.produce({ topic: 'late', partition, key: null, value: Buffer.from(value), timestamp });
        assert.equal(await producer.flush(20_000), true);
      };
      await produce(0, day, 'first');
      await known('late', 1);
      const seen = new Set<string>();
      let last = '0';
      const read = async () => {
        for (let calls = 0; calls < 20; calls++) {
          const one = await client();
          const reply = (await one.call('XREAD', 'STREAMS', 'late', last)) as [string, Entry[]][] | null;
          one.disconnect();
          if (!reply) return;
          for (const value of valuesOf(reply[0]![1])) seen.add(value);
          last = reply[0]![1].at(-1)![0];
        }
        throw new Error('it does not end');
      };
      await read();
      for (let n = 1; n <= 4; n++) {
        await produce(0, day + n * 100, `on time ${n}`);
        await read();
        await produce(1 + (n % 3), day + n * 100 - 150, `late ${n}`);
        await read();
        assert.equal(seen.size, 1 + 2 * n, [...seen].join());
      }
      await producer.close(5_000);
    });

    test('what four connections RPUSHX at once is paged through without a gap', async (t) => {
      if (!met(t, skip)) return;
      const producers = await Promise.all(Array.from({ length: 4 }, client));
      const sent: string[] = [];
      for (let n = 0; n < 50; n++) {
        await Promise.all(
          producers.map((producer, index) => {
            sent.push(`${index}-${n}`);
            return producer.call('RPUSHX', 'topics:pushed', `${index}-${n}`);
          }),
        );
      }
      for (const producer of producers) assert.equal(Number(await producer.call('DUMP', '15000')), 0);
      await known('pushed', sent.length);
      const all = await up('pushed', 1_000);
      assert.deepEqual(valuesOf(all).sort(), sent.sort());
      for (const count of [3, 64]) {
        assert.deepEqual(await up('pushed', count), all);
        assert.deepEqual(await down('pushed', count), all.toReversed());
        assert.deepEqual(await xread('pushed', count), all);
      }
    });
  });
}
