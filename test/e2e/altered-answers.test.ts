// No answer of a broker ends the process. Some alterations of each answer, the same at each run; all: test/campaign/altered-answers.ts.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { KafkaFactory, Producer } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { withoutApi } from '../support/answers/alterations.js';
import { fuzz, withAltered } from '../support/answers/fuzz.js';
import { schemas } from '../support/answers/schemas.js';
import { type Spot, spotsOf } from '../support/answers/spots.js';
import { AnswerStage } from '../support/answers/stage.js';
import { subjects } from '../support/answers/victim.js';
import { eventually } from '../support/eventually.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { int16, int32 } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { silent } from '../support/pixy-lab.js';

const timeoutMs = 15_000;
/** For closes that end: an abandoned one could outlive its broker, and would keep this process from ending. */
const closeMs = 60_000;
/** For closes that wait for a coordinator. */
const briefMs = 200;
/** Kafka's requests, and the errors of a coordinator that is not there, and of a partition that a broker does not know (yet). */
const produce = 0;
const fetch = 1;
const metadata = 3;
const offsetFetch = 9;
const findCoordinator = 10;
const joinGroup = 11;
const apiVersions = 18;
const nothing = -1;
const notAvailable = 15;
/** An answer after which librdkafka asks again only if something happens. */
const loading = 14;
const unknownPartition = 3;
const outOfOrder = 45;
/** Of records: where their size lies, and their format. */
const sizeAt = 8;
const formatAt = 16;
/** How long a second Produce may take to come while the first has no answer, ms. */
const secondMs = 1_000;

/** What an answer lacks, or has too much: the call, the answer, and what becomes of its body. Each once ended the process. */
const lacks: Record<string, [call: string, api: number, alter: (body: Buffer) => Buffer]> = {
  'a topic without a name': ['metadata', metadata, (body) => replaced(body, nameIn(body), Buffer.from([0]))],
  'no OffsetFetch among the versions': ['consume', apiVersions, (body) => withoutApi(body, offsetFetch)],
  'an OffsetFetch of no bytes': ['consume', offsetFetch, () => Buffer.alloc(0)],
  'a member without metadata': ['consume', joinGroup, (body) => replaced(body, lastOf(joinGroup, body), int32(0))],
  'a Fetch that ends behind its records': ['consumeOne', fetch, (body) => body.subarray(0, -3)],
  'a partition that nobody asked for': ['consumeOne', fetch, otherPartition],
  'a message of the oldest format that is smaller than its checksum': ['consumeOne', fetch, (body) => ofSize(3, body)],
  'a message of the oldest format with a negative size': ['consumeOne', fetch, (body) => ofSize(-5, body)],
};

const replaced = (body: Buffer, { at, size, content }: Pick<Spot, 'at' | 'size' | 'content'>, value: Buffer) =>
  Buffer.concat([body.subarray(0, at), value, body.subarray(at + size + content)]);
const spots = (api: number, body: Buffer) => spotsOf(schemas.get(api)!, body);
const lastOf = (api: number, body: Buffer) => spots(api, body).at(-1)!;

/** The topic's name with its length. */
function nameIn(body: Buffer) {
  const at = body.indexOf(subjects.topic);
  return at < 0 ? { at: 0, size: 0, content: 0 } : { at: at - 1, size: 1, content: subjects.topic.length };
}

/** The first partition's number, which stands behind the topic's id and the count of its partitions. */
function otherPartition(body: Buffer): Buffer {
  const all = spots(fetch, body);
  const spot = all.find((each, index) => each.size === 4 && all[index - 1]?.kind === 'array' && index > 4);
  return spot ? replaced(body, spot, int32(1)) : body;
}

/** The first records as a message of format 0 of this size; an answer without records as it is. */
function ofSize(size: number, body: Buffer): Buffer {
  const records = spots(fetch, body).find(({ kind, content }) => kind === 'text' && content > formatAt);
  if (!records) return body;
  const altered = Buffer.from(body);
  const at = records.at + records.size;
  altered.writeInt32BE(size, at + sizeAt);
  altered[at + formatAt] = 0;
  return altered;
}

describe('answers of a broker that does not keep to the protocol', { timeout: 300_000 }, () => {
  let stage: AnswerStage | undefined;
  before(async () => {
    if (whyNoKafka() !== undefined) return;
    stage = await AnswerStage.start();
    // Records, for those who read.
    assert.equal(await withAltered(stage.double, 'produce', nothing, (body) => body), undefined);
  });
  after(async () => stage?.stop());

  test('the process lives, calls end, and the next ones get their answers', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { tried, findings } = await fuzz(stage!.double, { seed: 18, perQuestion: 6, perLife: 1 });
    assert.deepEqual(findings, []);
    assert.ok(tried > 100, `only ${tried} answers were altered`);
  });

  for (const [what, [call, api, alter]] of Object.entries(lacks))
    test(`${what} does not end the process`, async (t) => {
      if (!met(t, whyNoKafka())) return;
      let altered = 0;
      const counted = (body: Buffer): Buffer => {
        const changed = alter(body);
        if (!changed.equals(body)) altered += 1;
        return changed;
      };
      assert.equal(await withAltered(stage!.double, call, api, counted), undefined);
      assert.ok(altered > 0, 'no answer was altered');
    });

  test('a commit that the coordinator refuses is not done, also one that goes back', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { double } = stage!;
    const general = { 'bootstrap.servers': double.address, 'client.id': 'committer' };
    const factory = await createKafkaFactory({ general, log: silent });
    t.after(() => factory.close());
    const consumer = await factory.consumer({ groupId: 'refused' }, timeoutMs);
    t.after(() => consumer.close(timeoutMs));
    const commit = (offset: number) => consumer.commit([{ topic: subjects.topic, partition: 0, offset }]);
    await commit(5);
    for (const code of [22, 25, 28]) {
      const altered = (body: Buffer) => Buffer.concat([body.subarray(0, -5), int16(code), body.subarray(-3)]);
      double.alter = (api, _version, body) => (api === 8 ? altered(body) : undefined);
      await assert.rejects(commit(3), { code });
    }
    double.alter = () => undefined;
    await commit(3);
  });

  test('a coordinator that is never found holds no close back, not even behind a call that still looks for it', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { double } = stage!;
    const general = { 'bootstrap.servers': double.address, 'client.id': 'lost' };
    const lines: string[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const factory = await createKafkaFactory({ general, log });
    t.after(() => factory.close());
    const nowhere = (body: Buffer) => Buffer.concat([body.subarray(0, 4), int16(notAvailable), body.subarray(6)]);
    double.alter = (api, _version, body, clientId) =>
      api === findCoordinator && clientId === 'lost' ? nowhere(body) : undefined;
    const ended: string[] = [];
    const end = (what: string) => () => void ended.push(what);
    const properties = { 'transactional.id': 'lost' };
    const producer = await factory.producer({ reports: 'errors', onReport: assert.fail, properties }, timeoutMs);
    const consumer = await factory.consumer({ groupId: 'lost', clientId: 'lost' }, timeoutMs);
    consumer.subscribe([subjects.topic]);
    const calls = [
      producer
        .initTransactions(timeoutMs)
        .catch(() => undefined)
        .then(end('initTransactions')),
      consumer
        .commit([{ topic: subjects.topic, partition: 0, offset: 1 }])
        .catch(() => undefined)
        .then(end('commit')),
    ];
    await Promise.all([producer.close(briefMs).then(end('producer')), consumer.close(briefMs).then(end('consumer'))]);
    // The consumer's closing may end its commit. What waits as long on the other client has not ended.
    assert.deepEqual(ended.filter((what) => what !== 'commit').toSorted(), ['consumer', 'producer']);
    double.alter = () => undefined;
    await Promise.all(calls);
    // With its coordinator there, each abandoned close ends too.
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    await eventually(closeMs, () => count('has disconnected') === count('is abandoned'));
  });

  test('positions of a transaction wait for a coordinator that is found late, and not for one that is never found', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { double } = stage!;
    const general = { 'bootstrap.servers': double.address, 'client.id': 'sender' };
    const factory = await createKafkaFactory({ general, log: silent });
    t.after(() => factory.close());
    const properties = { 'transactional.id': 'sender' };
    const producer = await factory.producer({ reports: 'errors', onReport: assert.fail, properties }, timeoutMs);
    t.after(() => producer.close(closeMs));
    await producer.initTransactions(timeoutMs);
    const consumer = await factory.consumer({ groupId: 'sent', clientId: 'member' }, timeoutMs);
    t.after(() => consumer.close(closeMs));
    const send = async (limitMs: number): Promise<void> => {
      await producer.beginTransaction();
      await producer.sendOffsets(
        [{ topic: subjects.topic, partition: 0, offset: 1 }],
        consumer.groupMetadata()!,
        limitMs,
      );
    };
    let left = Number.POSITIVE_INFINITY;
    const refused = (body: Buffer) => Buffer.concat([body.subarray(0, 4), int16(loading), body.subarray(6)]);
    double.alter = (api, _version, body, clientId) =>
      api === findCoordinator && clientId === 'sender' && left-- > 0 ? refused(body) : undefined;
    await assert.rejects(send(2_000), { message: /Timed out/ });
    left = 0;
    await producer.abortTransaction(timeoutMs);
    left = 1;
    await send(timeoutMs);
    await producer.commitTransaction(timeoutMs);
    assert.ok(left < 0, 'it was asked for once only');
    double.alter = () => undefined;
  });

  describe('a partition that refuses a Produce request and would take the next', () => {
    /** Produces two values, the second while the first is under way, and answers the first with a refusal. */
    async function refuseFirst(t: TestContext, topic: string, before: (producer: Producer) => Promise<void>) {
      const { double } = stage!;
      const general = { 'bootstrap.servers': double.address, 'client.id': 'overtaken' };
      const factory = await createKafkaFactory({ general, log: silent });
      const failed: (number | undefined)[] = [];
      const producer = await factory.producer(
        { reports: 'errors', onReport: ({ error }) => void failed.push(error?.code) },
        timeoutMs,
      );
      t.after(async () => {
        double.intercept = () => undefined;
        await producer.close(closeMs);
        await factory.close();
      });
      await before(producer);
      const asked = new EventEmitter();
      const second = once(asked, 'second');
      let requests = 0;
      double.intercept = (api, _version, clientId) => {
        if (api !== produce || clientId !== 'overtaken') return undefined;
        requests += 1;
        asked.emit(requests === 1 ? 'first' : 'second');
        if (requests > 1) return undefined;
        return Promise.race([second, sleep(secondMs)]).then(() => produceAnswer(topic, unknownPartition));
      };
      const first = once(asked, 'first');
      producer.produce({ topic, partition: 0, key: null, value: Buffer.from('first') });
      await first;
      producer.produce({ topic, partition: 0, key: null, value: Buffer.from('second') });
      assert.equal(await producer.flush(30_000), true);
      double.intercept = () => undefined;
      return { failed, values: await read(factory, topic) };
    }

    test('both are stored, in their order, where nothing of the producer is stored yet', async (t) => {
      if (!met(t, whyNoKafka())) return;
      await stage!.makeTopic('refused-at-first');
      const { failed, values } = await refuseFirst(t, 'refused-at-first', async () => {});
      assert.deepEqual(failed, []);
      assert.deepEqual(values, ['first', 'second']);
    });

    test('the refused one fails, where the broker has forgotten the producer', async (t) => {
      if (!met(t, whyNoKafka())) return;
      await stage!.makeTopic('refused-later');
      const { failed, values } = await refuseFirst(t, 'refused-later', async (producer) => {
        // Acknowledged, and never heard of by the broker: to it, the producer is new at the next request.
        stage!.double.intercept = (api) =>
          api === produce ? Promise.resolve(produceAnswer('refused-later', 0)) : undefined;
        producer.produce({ topic: 'refused-later', partition: 0, key: null, value: Buffer.from('forgotten') });
        assert.equal(await producer.flush(30_000), true);
      });
      assert.deepEqual(failed, [outOfOrder]);
      assert.deepEqual(values, ['second']);
    });
  });
});

/** The answer to a Produce request of one batch to partition 0, version 9 to 12. */
function produceAnswer(topic: string, code: number): Buffer {
  const compact = (text: string) => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
  const none = Buffer.alloc(8, code === 0 ? 0 : 255);
  const partition = [int32(0), int16(code), none, Buffer.alloc(8, 255), none, Buffer.from([1, 0, 0])];
  return Buffer.concat([
    Buffer.from([0, 2]),
    compact(topic),
    Buffer.from([2]),
    ...partition,
    Buffer.from([0]),
    int32(0),
    Buffer.from([0]),
  ]);
}

/** What is in partition 0. */
async function read(factory: KafkaFactory, topic: string): Promise<string[]> {
  const consumer = await factory.consumer({}, timeoutMs);
  try {
    const { high } = await consumer.watermarks({ topic, partition: 0 }, timeoutMs);
    consumer.assign([{ topic, partition: 0, offset: 0 }]);
    const values: string[] = [];
    await eventually(timeoutMs, async () => {
      for (const { value } of await consumer.poll(10, 1_000)) values.push(String(value));
      return values.length >= high;
    });
    return values;
  } finally {
    await consumer.close(closeMs);
  }
}
