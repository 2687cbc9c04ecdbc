// No answer of a broker ends the process. Some alterations of each answer, the same at each run; all: test/campaign/altered-answers.ts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { fuzz } from '../support/answers/fuzz.js';
import { AnswerStage } from '../support/answers/stage.js';
import { subjects } from '../support/answers/victim.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { int16 } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { silent } from '../support/pixy-lab.js';

const timeoutMs = 15_000;
const closeMs = 200;
/** Kafka's request, and the error of a coordinator that is not there. */
const findCoordinator = 10;
const notAvailable = 15;
/** An answer after which librdkafka asks again only if something happens. */
const loading = 14;

describe('answers of a broker that does not keep to the protocol', { timeout: 300_000 }, () => {
  let stage: AnswerStage | undefined;
  before(async () => {
    if (whyNoKafka() === undefined) stage = await AnswerStage.start();
  });
  after(async () => stage?.stop());

  test('the process lives, calls end, and the next ones get their answers', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { tried, findings } = await fuzz(stage!.double, { seed: 18, perQuestion: 6, perLife: 1 });
    assert.deepEqual(findings, []);
    assert.ok(tried > 100, `only ${tried} answers were altered`);
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
    const factory = await createKafkaFactory({ general, log: silent });
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
    await Promise.all([producer.close(closeMs).then(end('producer')), consumer.close(closeMs).then(end('consumer'))]);
    assert.deepEqual(ended.toSorted(), ['consumer', 'producer']);
    double.alter = () => undefined;
    await Promise.all(calls);
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
});
