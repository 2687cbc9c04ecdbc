// The port tests: what core may expect of any KafkaFactory. The fake, the embedded Kafka and a real one run the same.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type Consumer,
  type ConsumerOptions,
  type DeliveryReport,
  KafkaCode,
  KafkaError,
  type KafkaFactory,
  type KafkaFault,
  type Message,
  OFFSET_BEGINNING,
  OFFSET_END,
  OFFSET_NONE,
  type Producer,
  type ProducerOptions,
  type Properties,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../src/core/ports.js';
import { eventually } from './eventually.js';

/** What not every Kafka can do. */
export interface Abilities {
  /** Topics with a chosen number of partitions, settings, groups of others, deleting records. */
  readonly admin: boolean;
  /** Offsets by time. */
  readonly times: boolean;
  /** Aborted and open transactions are hidden from readers. */
  readonly isolation: boolean;
  /** Records that are refused for their size by the broker alone. */
  readonly sizeLimit: boolean;
}

const timeoutMs = 15_000;

/** Kafka's INVALID_REPLICATION_FACTOR: more replicas asked for than there are brokers in service. */
const brokersFenced = 38;

let serial = 0;
const unique = (what: string) => `${what}-${process.pid}-${++serial}`;
const bytes = (text: string) => Buffer.from(text);
const texts = (messages: readonly Message[]) => messages.map(({ value }) => String(value));

/**
 * Declares the suite for one Kafka.
 * @param start makes the factory (options: the sections of a config file); called once
 */
export function portSuite(name: string, abilities: Abilities, start: () => Promise<KafkaFactory>): void {
  describe(`Kafka ports: ${name}`, { timeout: 180_000 }, () => {
    let kafka: KafkaFactory;
    const open: { close(timeoutMs: number): Promise<void> }[] = [];

    before(async () => {
      kafka = await start();
    });
    after(() => kafka?.close());

    /** Every test closes what it opened, also when it fails. */
    const test = (title: string, run: () => Promise<void>) =>
      it(title, async () => {
        try {
          await run();
        } finally {
          await Promise.all(open.splice(0).map((client) => client.close(timeoutMs)));
        }
      });

    async function producing(options: Partial<ProducerOptions> = {}) {
      const reports: { report: DeliveryReport; tag: unknown }[] = [];
      const onReport = (report: DeliveryReport, tag: unknown) => reports.push({ report, tag });
      const producer = await kafka.producer({ reports: 'all', onReport, ...options }, timeoutMs);
      open.push(producer);
      return { producer, reports };
    }

    async function consuming(options: ConsumerOptions = {}): Promise<Consumer> {
      const properties = { 'auto.offset.reset': 'earliest', ...options.properties };
      const consumer = await kafka.consumer({ ...options, properties }, timeoutMs);
      open.push(consumer);
      return consumer;
    }

    async function topicWith(partitions: number): Promise<string> {
      const topic = unique('topic');
      await eventually(timeoutMs, async () => {
        const refused = await kafka.admin.createTopic({ name: topic, partitions }).catch((error: unknown) => error);
        // A broker that was paused, or starved by what runs beside it, is fenced until its next heartbeat.
        if (refused instanceof KafkaError && refused.code === brokersFenced) return false;
        if (refused !== undefined) throw refused;
        return true;
      });
      await eventually(timeoutMs, async () => {
        const [found] = await kafka.admin.topics([topic]);
        return found?.partitions.every(({ leader }) => leader >= 0);
      });
      return topic;
    }

    async function fill(topic: string, values: readonly (string | null)[], partition = 0): Promise<void> {
      const { producer } = await producing();
      for (const value of values)
        producer.produce({ topic, partition, key: null, value: value === null ? null : bytes(value) });
      assert.equal(await producer.flush(timeoutMs), true);
    }

    /** A topic that comes to be on first use has four. */
    const partitionsOf = (wanted: number) => (abilities.admin ? wanted : 4);

    /** Polls until so many messages have come. */
    async function read(consumer: Consumer, count: number): Promise<Message[]> {
      const messages: Message[] = [];
      await eventually(timeoutMs, async () => {
        messages.push(...(await consumer.poll(100, 200)));
        return messages.length >= count;
      });
      return messages;
    }

    const startOf = (topic: string, partition = 0): TopicPartitionOffset => ({
      topic,
      partition,
      offset: OFFSET_BEGINNING,
    });

    describe('records', () => {
      test('tell null and empty apart, for key and value', async () => {
        const topic = await topicWith(1);
        const { producer } = await producing();
        const empty = Buffer.alloc(0);
        const variants = [null, empty, bytes('x')];
        for (const key of variants) for (const value of variants) producer.produce({ topic, partition: 0, key, value });
        assert.equal(await producer.flush(timeoutMs), true);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        const pairs = (await read(consumer, 9)).map(({ key, value }) => [key, value]);
        assert.deepEqual(
          pairs,
          variants.flatMap((key) => variants.map((value) => [key, value])),
        );
      });

      test('carry headers: every byte, null, empty, repeats, in order', async () => {
        const topic = await topicWith(1);
        const { producer } = await producing();
        const headers = [
          { key: 'all', value: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
          { key: 'null', value: null },
          { key: 'empty', value: Buffer.alloc(0) },
          { key: 'twice', value: bytes('1') },
          { key: 'twice', value: bytes('2') },
          { key: '7', value: bytes('a key like an index') },
          { key: '__proto__', value: bytes('p') },
          { key: 'é☃', value: bytes('é☃') },
        ];
        producer.produce({ topic, partition: 0, key: null, value: bytes('with'), headers });
        producer.produce({ topic, partition: 0, key: null, value: bytes('without') });
        assert.equal(await producer.flush(timeoutMs), true);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        const [first, second] = await read(consumer, 2);
        assert.deepEqual(
          first?.headers.map(({ key, value }) => ({ key, value })),
          headers,
        );
        assert.deepEqual(second?.headers, []);
      });

      test('keep their order and timestamps; offsets are dense', async () => {
        const topic = await topicWith(1);
        const { producer, reports } = await producing();
        const count = 1_000;
        for (let i = 0; i < count; i++) {
          producer.produce({ topic, partition: 0, key: null, value: bytes(String(i)), timestamp: 1_000_000 + i }, i);
        }
        producer.hurry();
        assert.equal(await producer.flush(timeoutMs), true);
        assert.deepEqual(
          reports.map(({ tag }) => tag),
          Array.from({ length: count }, (_, i) => i),
        );
        assert.deepEqual(
          reports.map(({ report }) => report.offset),
          Array.from({ length: count }, (_, i) => i),
        );
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        const messages = await read(consumer, count);
        assert.deepEqual(
          texts(messages),
          Array.from({ length: count }, (_, i) => String(i)),
        );
        assert.deepEqual(
          messages.map(({ offset }) => offset),
          Array.from({ length: count }, (_, i) => i),
        );
        assert.equal(messages[7]?.timestamp, 1_000_007);
      });

      test('with equal keys go to one partition', async () => {
        const topic = await topicWith(4);
        const { producer, reports } = await producing();
        for (let i = 0; i < 20; i++) producer.produce({ topic, key: bytes('k'), value: bytes(String(i)) });
        assert.equal(await producer.flush(timeoutMs), true);
        assert.equal(new Set(reports.map(({ report }) => report.partition)).size, 1);
        assert.equal(reports.length, 20);
      });
    });

    describe('producer', () => {
      test('is not confused by a caller who reuses its buffer', async () => {
        const topic = await topicWith(1);
        const { producer } = await producing();
        const value = bytes('first');
        producer.produce({ topic, partition: 0, key: value, value });
        value.write('again');
        assert.equal(await producer.flush(timeoutMs), true);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        assert.deepEqual(texts(await read(consumer, 1)), ['first']);
      });

      test('refuses what exceeds its queue, and takes more when that has drained', async () => {
        const topic = await topicWith(1);
        const properties = { 'queue.buffering.max.messages': 10, 'linger.ms': 500 };
        const { producer, reports } = await producing({ properties });
        const one = () => producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
        for (let i = 0; i < 10; i++) one();
        assert.throws(one, (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.queueFull);
        assert.equal(await producer.flush(timeoutMs), true);
        one();
        assert.equal(await producer.flush(timeoutMs), true);
        assert.equal(reports.length, 11);
      });

      test('flush tells the truth: all reports are in', async () => {
        const topic = await topicWith(2);
        const { producer, reports } = await producing();
        for (let i = 0; i < 5_000; i++) producer.produce({ topic, key: null, value: bytes('x') });
        assert.equal(await producer.flush(timeoutMs), true);
        assert.equal(reports.length, 5_000);
        assert.equal(await producer.flush(0), true);
      });

      test('flush answers false when time is up', async () => {
        const topic = await topicWith(1);
        const { producer, reports } = await producing();
        for (let i = 0; i < 20_000; i++) producer.produce({ topic, key: null, value: bytes('x') });
        const flushed = await producer.flush(1);
        assert.equal(flushed, reports.length === 20_000);
        assert.equal(await producer.flush(timeoutMs), true);
        assert.equal(reports.length, 20_000);
      });

      test('reports a missing partition', async () => {
        const topic = await topicWith(1);
        const { producer, reports } = await producing({ properties: { 'message.timeout.ms': 5_000 } });
        const produce = () => producer.produce({ topic, partition: 99, key: null, value: bytes('x') }, 'tag');
        try {
          produce();
        } catch (error) {
          assert.equal((error as KafkaError).code, KafkaCode.unknownPartition);
          return;
        }
        await producer.flush(timeoutMs);
        assert.equal(reports[0]?.report.error?.code, KafkaCode.unknownPartition);
        assert.equal(reports[0]?.report.offset, -1);
        assert.equal(reports[0]?.tag, 'tag');
      });

      test('with reports of errors only says nothing of what went well', async () => {
        const topic = await topicWith(1);
        const { producer, reports } = await producing({ reports: 'errors' });
        for (let i = 0; i < 100; i++) producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
        assert.equal(await producer.flush(timeoutMs), true);
        assert.deepEqual(reports, []);
        assert.equal((await kafka.admin.watermarks([{ topic, partition: 0 }]))[0]?.high, 100);
      });

      if (abilities.sizeLimit) {
        test('with reports of errors only reports every failure before flush answers', async () => {
          const topic = unique('small');
          await kafka.admin.createTopic({ name: topic, partitions: 1, config: { 'max.message.bytes': '2000' } });
          const { producer, reports } = await producing({
            reports: 'errors',
            properties: { 'linger.ms': 0, 'batch.num.messages': 1 },
          });
          for (let i = 0; i < 250; i++)
            producer.produce({ topic, partition: 0, key: null, value: Buffer.alloc(5_000) });
          assert.equal(await producer.flush(timeoutMs), true);
          assert.equal(reports.length, 250);
          assert.equal(reports[0]?.report.error?.code, KafkaCode.messageTooLarge);
          assert.equal(reports[0]?.tag, undefined);
        });
      }

      test('refuses what is larger than it may send', async () => {
        const topic = await topicWith(1);
        const { producer } = await producing();
        const value = Buffer.alloc(kafka.maxMessageBytes + 1_000);
        assert.throws(
          () => producer.produce({ topic, partition: 0, key: null, value }),
          (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.messageTooLarge,
        );
      });

      test('refuses records after close, which may be called twice', async () => {
        const topic = await topicWith(1);
        const { producer, reports } = await producing();
        producer.produce({ topic, partition: 0, key: null, value: bytes('x') });
        await producer.close(timeoutMs);
        assert.equal(reports.length, 1);
        assert.throws(
          () => producer.produce({ topic, partition: 0, key: null, value: bytes('y') }),
          (error: unknown) => error instanceof KafkaError && error.code === KafkaCode.state,
        );
        await producer.close(timeoutMs);
      });
    });

    describe('consumer', () => {
      test('waits for a first message and then takes what is ready, at most max', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a', 'b', 'c', 'd', 'e']);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        const first = await read(consumer, 1);
        assert.ok(first.length >= 1 && first.length <= 5);
        const rest = first.length < 5 ? await read(consumer, 5 - first.length) : [];
        assert.deepEqual(texts([...first, ...rest]), ['a', 'b', 'c', 'd', 'e']);
        await consumer.seek({ topic, partition: 0, offset: 1 }, timeoutMs);
        const some: Message[] = [];
        await eventually(timeoutMs, async () => {
          const batch = await consumer.poll(2, 200);
          assert.ok(batch.length <= 2);
          some.push(...batch);
          return some.length >= 4;
        });
        assert.deepEqual(texts(some), ['b', 'c', 'd', 'e']);
      });

      test('answers with nothing when time is up', async () => {
        const topic = await topicWith(1);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        assert.deepEqual(await consumer.poll(10, 20), []);
      });

      test('reads from where it is told: offsets, the beginning, the end', async () => {
        const topic = await topicWith(3);
        for (const partition of [0, 1, 2]) await fill(topic, ['a', 'b', 'c'], partition);
        const consumer = await consuming();
        consumer.assign([
          { topic, partition: 0, offset: 2 },
          { topic, partition: 1, offset: OFFSET_BEGINNING },
          { topic, partition: 2, offset: OFFSET_END },
        ]);
        const messages = await read(consumer, 4);
        await eventually(timeoutMs, async () => {
          // Whoever reads from the end may have started late: what comes after is read in any case.
          await fill(topic, ['new'], 2);
          messages.push(...(await consumer.poll(10, 500)));
          return messages.some(({ partition }) => partition === 2);
        });
        const of = (wanted: number) => texts(messages.filter(({ partition }) => partition === wanted));
        assert.deepEqual(of(0), ['c']);
        assert.deepEqual(of(1), ['a', 'b', 'c']);
        assert.ok(of(2).every((text) => text === 'new'));
        assert.deepEqual(
          sorted(consumer.assignments()),
          [0, 1, 2].map((partition) => ({ topic, partition })),
        );
      });

      test('tells of the end of a partition when asked to', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a', 'b']);
        const ends: TopicPartitionOffset[] = [];
        const consumer = await consuming({ onEnd: (position) => ends.push(position) });
        consumer.assign([startOf(topic)]);
        await eventually(timeoutMs, async () => {
          await consumer.poll(100, 100);
          return ends.length > 0;
        });
        assert.deepEqual(ends.at(-1), { topic, partition: 0, offset: 2 });
      });

      test('pauses and resumes', async () => {
        const topic = await topicWith(2);
        const consumer = await consuming();
        consumer.assign([startOf(topic, 0), startOf(topic, 1)]);
        consumer.pause([{ topic, partition: 0 }]);
        await fill(topic, ['paused'], 0);
        await fill(topic, ['goes on'], 1);
        assert.deepEqual(texts(await read(consumer, 1)), ['goes on']);
        consumer.resume([{ topic, partition: 0 }]);
        assert.deepEqual(texts(await read(consumer, 1)), ['paused']);
      });

      test('tells watermarks', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a', 'b', 'c']);
        const consumer = await consuming();
        assert.deepEqual(await consumer.watermarks({ topic, partition: 0 }, timeoutMs), { low: 0, high: 3 });
      });

      if (abilities.times) {
        test('finds offsets by time', async () => {
          const topic = await topicWith(1);
          const { producer } = await producing();
          for (const timestamp of [1_000, 2_000, 3_000]) {
            producer.produce({ topic, partition: 0, key: null, value: bytes('x'), timestamp });
          }
          assert.equal(await producer.flush(timeoutMs), true);
          const consumer = await consuming();
          const at = async (time: number) =>
            (await consumer.offsetsForTimes([{ topic, partition: 0, offset: time }], timeoutMs))[0]?.offset;
          assert.equal(await at(1_500), 1);
          assert.equal(await at(3_000), 2);
          assert.equal(await at(3_001), OFFSET_END);
        });
      }
    });

    describe('group', () => {
      test('stored offsets are committed by close, and the next member goes on from there', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a', 'b', 'c']);
        const groupId = unique('group');
        const consumer = await consuming({ groupId });
        consumer.subscribe([topic]);
        assert.deepEqual(texts(await read(consumer, 3)), ['a', 'b', 'c']);
        consumer.storeOffset({ topic, partition: 0, offset: 2 });
        await consumer.close(timeoutMs);

        const next = await consuming({ groupId });
        const [committed] = await next.committed([{ topic, partition: 0 }], timeoutMs);
        assert.equal(committed?.offset, 2);
        next.subscribe([topic]);
        assert.deepEqual(texts(await read(next, 1)), ['c']);
      });

      test('stored offsets are committed before long without a close', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a']);
        const groupId = unique('group');
        const consumer = await consuming({ groupId, properties: { 'auto.commit.interval.ms': 50 } });
        consumer.subscribe([topic]);
        await read(consumer, 1);
        consumer.storeOffset({ topic, partition: 0, offset: 1 });
        await eventually(timeoutMs, async () => {
          const [committed] = await consumer.committed([{ topic, partition: 0 }], timeoutMs);
          return committed?.offset === 1;
        });
      });

      test('what was only read is not committed', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a']);
        const groupId = unique('group');
        const consumer = await consuming({ groupId });
        consumer.subscribe([topic]);
        await read(consumer, 1);
        await consumer.close(timeoutMs);
        const next = await consuming({ groupId });
        assert.equal((await next.committed([{ topic, partition: 0 }], timeoutMs))[0]?.offset, OFFSET_NONE);
      });

      test('commits at once when told, also backwards', async () => {
        const topic = await topicWith(2);
        const groupId = unique('group');
        const consumer = await consuming({ groupId });
        consumer.subscribe([topic]);
        await eventually(timeoutMs, async () => {
          await consumer.poll(1, 100);
          return consumer.assignments().length === partitionsOf(2);
        });
        const commit = async (offset: number) => {
          await consumer.commit([{ topic, partition: 1, offset }]);
          return consumer.committed(
            [0, 1].map((partition) => ({ topic, partition })),
            timeoutMs,
          );
        };
        assert.deepEqual(
          (await commit(7)).map(({ offset }) => offset),
          [OFFSET_NONE, 7],
        );
        assert.deepEqual(
          (await commit(3)).map(({ offset }) => offset),
          [OFFSET_NONE, 3],
        );
      });

      test('storing for a partition of somebody else is refused', async () => {
        const topic = await topicWith(1);
        const consumer = await consuming({ groupId: unique('group') });
        consumer.subscribe([topic]);
        assert.throws(
          () => consumer.storeOffset({ topic: unique('other'), partition: 0, offset: 1 }),
          (error: unknown) =>
            error instanceof KafkaError &&
            (error.code === KafkaCode.state || error.code === KafkaCode.unknownPartition),
        );
      });

      test('members share partitions, and take over from one that leaves', async () => {
        const topic = await topicWith(4);
        const groupId = unique('group');
        const first = await consuming({ groupId });
        first.subscribe([topic]);
        await eventually(timeoutMs, async () => {
          await first.poll(1, 100);
          return first.assignments().length === 4;
        });
        const second = await consuming({ groupId });
        second.subscribe([topic]);
        await eventually(timeoutMs, async () => {
          await Promise.all([first.poll(1, 100), second.poll(1, 100)]);
          return first.assignments().length === 2 && second.assignments().length === 2;
        });
        const all = sorted([...first.assignments(), ...second.assignments()]);
        assert.deepEqual(
          all,
          [0, 1, 2, 3].map((partition) => ({ topic, partition })),
        );
        await first.close(timeoutMs);
        await eventually(timeoutMs, async () => {
          await second.poll(1, 100);
          return second.assignments().length === 4;
        });
      });

      test('a member that has its say chooses where to start, and commits while it gives back', async () => {
        const topic = await topicWith(2);
        await fill(topic, ['a', 'b', 'c'], 0);
        const groupId = unique('group');
        const calls: string[] = [];
        const consumer: Consumer = await consuming({
          groupId,
          rebalance: {
            async assigned(partitions) {
              calls.push(`assigned ${partitions.length}`);
              return [{ topic, partition: 0, offset: 1 }];
            },
            async revoked(partitions, lost) {
              calls.push(`revoked ${partitions.length} ${lost}`);
              await consumer.commit([{ topic, partition: 0, offset: 2 }]);
            },
          },
        });
        consumer.subscribe([topic]);
        assert.deepEqual(texts(await read(consumer, 2)), ['b', 'c']);
        await consumer.close(timeoutMs);
        assert.deepEqual(calls, [`assigned ${partitionsOf(2)}`, `revoked ${partitionsOf(2)} false`]);
        const next = await consuming({ groupId });
        assert.equal((await next.committed([{ topic, partition: 0 }], timeoutMs))[0]?.offset, 2);
      });

      test('a topic that is missing is told as a fault, and read once it is there', async () => {
        const topic = unique('late');
        const faults: KafkaFault[] = [];
        const properties = { 'allow.auto.create.topics': false, 'topic.metadata.refresh.interval.ms': 500 };
        const consumer = await consuming({
          groupId: unique('group'),
          properties,
          onFault: (fault) => faults.push(fault),
        });
        consumer.subscribe([topic]);
        // The embedded Kafka makes the topic instead.
        await eventually(timeoutMs, async () => {
          await consumer.poll(1, 100);
          if (!abilities.admin) return (await kafka.admin.topics([topic])).length > 0;
          return faults.some(({ code }) => code === KafkaCode.unknownTopicOrPartition);
        });
        if (abilities.admin) await kafka.admin.createTopic({ name: topic, partitions: 1 });
        await fill(topic, ['there'], 0);
        assert.deepEqual(texts(await read(consumer, 1)), ['there']);
      });

      test('a consumer without a group cannot commit', async () => {
        const topic = await topicWith(1);
        const consumer = await consuming();
        await assert.rejects(consumer.commit([{ topic, partition: 0, offset: 1 }]), KafkaError);
      });

      test('everything is refused after close, which may be called twice', async () => {
        const consumer = await consuming({ groupId: unique('group') });
        await consumer.close(timeoutMs);
        await consumer.close(timeoutMs);
        assert.throws(() => consumer.subscribe(['t']), KafkaError);
        assert.deepEqual(await consumer.poll(1, 1_000), []);
      });
    });

    describe('transactions', () => {
      const transactional = (transactionalId: string, properties: Properties = {}) =>
        producing({ properties: { ...properties, 'transactional.id': transactionalId } });
      const produce = (producer: Producer, topic: string, value: string) =>
        producer.produce({ topic, partition: 0, key: null, value: bytes(value) });

      test('commit', async () => {
        const topic = await topicWith(1);
        const { producer } = await transactional(unique('tx'));
        await producer.initTransactions(timeoutMs);
        await producer.beginTransaction();
        produce(producer, topic, 'a');
        await producer.commitTransaction(timeoutMs);
        const consumer = await consuming();
        consumer.assign([startOf(topic)]);
        assert.deepEqual(texts(await read(consumer, 1)), ['a']);
      });

      if (abilities.isolation) {
        test('what was aborted, or is still open, is not read', async () => {
          const topic = await topicWith(1);
          const { producer } = await transactional(unique('tx'));
          await producer.initTransactions(timeoutMs);
          await producer.beginTransaction();
          produce(producer, topic, 'aborted');
          await producer.flush(timeoutMs);
          await producer.abortTransaction(timeoutMs);
          await producer.beginTransaction();
          produce(producer, topic, 'committed');
          await producer.commitTransaction(timeoutMs);
          await producer.beginTransaction();
          produce(producer, topic, 'open');
          await producer.flush(timeoutMs);
          const consumer = await consuming();
          consumer.assign([startOf(topic)]);
          assert.deepEqual(texts(await read(consumer, 1)), ['committed']);
          const all = await consuming({ properties: { 'isolation.level': 'read_uncommitted' } });
          all.assign([startOf(topic)]);
          assert.deepEqual(texts(await read(all, 3)), ['aborted', 'committed', 'open']);
          await producer.abortTransaction(timeoutMs);
        });

        test('a producer that was taken over from is fenced', async () => {
          const topic = await topicWith(1);
          const id = unique('tx');
          const { producer: old } = await transactional(id);
          await old.initTransactions(timeoutMs);
          await old.beginTransaction();
          produce(old, topic, 'old');
          await old.flush(timeoutMs);
          const { producer: successor } = await transactional(id);
          await successor.initTransactions(timeoutMs);
          const isFatal = (error: unknown) => error instanceof KafkaError && error.fatal;
          await assert.rejects(old.commitTransaction(timeoutMs), isFatal);
          await assert.rejects(old.beginTransaction(), isFatal);
          assert.throws(() => produce(old, topic, 'never'), isFatal);
          await successor.beginTransaction();
          produce(successor, topic, 'new');
          await successor.commitTransaction(timeoutMs);
          const consumer = await consuming();
          consumer.assign([startOf(topic)]);
          assert.deepEqual(texts(await read(consumer, 1)), ['new']);
        });
      }

      test('an abort drops what is still queued, and says so', async () => {
        const topic = await topicWith(1);
        // Lingering, it cannot have left when the abort comes.
        const { producer, reports } = await transactional(unique('tx'), { 'linger.ms': timeoutMs });
        await producer.initTransactions(timeoutMs);
        await producer.beginTransaction();
        produce(producer, topic, 'queued');
        await producer.abortTransaction(timeoutMs);
        await eventually(timeoutMs, () => reports.length === 1);
        assert.equal(reports[0]?.report.error?.code, KafkaCode.purgeQueue);
      });

      test('out of order are refused', async () => {
        const { producer } = await transactional(unique('tx'));
        await producer.initTransactions(timeoutMs);
        await assert.rejects(producer.commitTransaction(timeoutMs), KafkaError);
        await producer.beginTransaction();
        await assert.rejects(producer.beginTransaction(), KafkaError);
        await producer.abortTransaction(timeoutMs);
      });
    });

    describe('admin', () => {
      test('lists topics and never creates one', async () => {
        const topic = await topicWith(1);
        const missing = unique('missing');
        const all = await kafka.admin.topics();
        assert.ok(all.some(({ name }) => name === topic));
        assert.deepEqual(
          (await kafka.admin.topics([topic, missing])).map(({ name }) => name),
          [topic],
        );
        assert.deepEqual(await kafka.admin.topics([missing]), []);
      });

      test('tells watermarks of many partitions', async () => {
        const topic = await topicWith(2);
        await fill(topic, ['a', 'b'], 1);
        const asked: TopicPartition[] = [0, 1].map((partition) => ({ topic, partition }));
        assert.deepEqual(await kafka.admin.watermarks(asked), [
          { topic, partition: 0, low: 0, high: 0 },
          { topic, partition: 1, low: 0, high: 2 },
        ]);
      });

      if (!abilities.admin) {
        test('says what it cannot do', async () => {
          await assert.rejects(kafka.admin.groups(), /not supported/);
          await assert.rejects(kafka.admin.deleteTopic('t'), /not supported/);
        });
        return;
      }

      test('creates and deletes topics, with settings', async () => {
        const topic = unique('made');
        await kafka.admin.createTopic({ name: topic, partitions: 3, config: { 'retention.ms': '12345678' } });
        const again = kafka.admin.createTopic({ name: topic, partitions: 3 });
        await assert.rejects(again, (error: unknown) => error instanceof KafkaError && error.code === 36);
        await eventually(timeoutMs, async () => (await kafka.admin.topics([topic]))[0]?.partitions.length === 3);
        const settings = (await kafka.admin.topicConfigs([topic])).get(topic);
        assert.deepEqual(settings?.get('retention.ms'), { value: '12345678', overridden: true });
        await kafka.admin.deleteTopic(topic);
        await eventually(timeoutMs, async () => (await kafka.admin.topics([topic])).length === 0);
        await assert.rejects(kafka.admin.deleteTopic(topic), KafkaError);
      });

      test('a topic made anew has another identity', async () => {
        const topic = await topicWith(1);
        const before = await kafka.admin.identity([topic, unique('missing')]);
        assert.equal(before.topicIds.size, 1);
        await kafka.admin.deleteTopic(topic);
        await eventually(timeoutMs, async () => (await kafka.admin.topics([topic])).length === 0);
        await kafka.admin.createTopic({ name: topic, partitions: 1 });
        const afterwards = await kafka.admin.identity([topic]);
        assert.equal(afterwards.clusterId, before.clusterId);
        assert.notEqual(afterwards.topicIds.get(topic), before.topicIds.get(topic));
      });

      test('deletes records', async () => {
        const topic = await topicWith(1);
        await fill(topic, ['a', 'b', 'c']);
        await kafka.admin.deleteRecords([{ topic, partition: 0, offset: 2 }]);
        assert.deepEqual(await kafka.admin.watermarks([{ topic, partition: 0 }]), [
          { topic, partition: 0, low: 2, high: 3 },
        ]);
      });

      test('commits for a group without members, with metadata; reads and deletes that', async () => {
        const topic = await topicWith(2);
        const groupId = unique('group');
        const asked = [0, 1].map((partition) => ({ topic, partition }));
        await kafka.admin.commitGroupOffsets(groupId, [{ topic, partition: 1, offset: 5, metadata: 'mét;a' }]);
        const committed = { topic, partition: 1, offset: 5, metadata: 'mét;a' };
        assert.deepEqual(await kafka.admin.groupOffsets(groupId, asked), [committed]);
        const consumer = await consuming({ groupId });
        assert.equal((await consumer.committed([{ topic, partition: 1 }], timeoutMs))[0]?.offset, 5);
        await kafka.admin.deleteGroupOffsets(groupId, [{ topic, partition: 1 }]);
        assert.deepEqual(await kafka.admin.groupOffsets(groupId, asked), []);
      });

      test('describes groups with members and their partitions', async () => {
        const topic = await topicWith(2);
        const groupId = unique('group');
        const consumer = await consuming({ groupId, clientId: 'me' });
        consumer.subscribe([topic]);
        await eventually(timeoutMs, async () => {
          await consumer.poll(1, 100);
          return consumer.assignments().length === 2;
        });
        assert.ok((await kafka.admin.groups()).includes(groupId));
        const [group, unknown] = await kafka.admin.describeGroups([groupId, unique('nobody')]);
        assert.equal(group?.state, 'STABLE');
        assert.deepEqual(
          group?.members.map(({ clientId }) => clientId),
          ['me'],
        );
        assert.deepEqual([...(group?.members[0]?.assignments.get(topic) ?? [])].sort(), [0, 1]);
        assert.deepEqual(unknown, { ...unknown, state: 'DEAD', members: [] });
        const foreign = kafka.admin.commitGroupOffsets(groupId, [{ topic, partition: 0, offset: 1, metadata: '' }]);
        await assert.rejects(foreign, KafkaError);
      });
    });
  });
}

const sorted = (partitions: readonly TopicPartition[]): TopicPartition[] =>
  [...partitions].sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
