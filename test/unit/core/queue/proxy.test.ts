import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KafkaCode } from '../../../../src/core/ports.js';
import { KafkaProxy, type ProduceSettings } from '../../../../src/core/queue/proxy.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { fault } from '../../../support/port-doubles.js';
import { produceSettings, sharedSettings } from '../../../support/queue-settings.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
function make(over: Partial<ProduceSettings> = {}) {
  const clock = new ManualClock();
  const kafka = new FakeKafka({ clock });
  kafka.createTopic('t', 4);
  const stats = new Stats();
  const context = { name: 'default', kafka, clock, stats, log: quiet, settings: sharedSettings };
  const proxy = new KafkaProxy({ ...context, produce: { ...produceSettings, ...over } });
  const topics = kafka.admin.topics.bind(kafka.admin);
  /** Only these partitions have a leader. */
  const leave = (...led: number[]) => {
    kafka.admin.topics = async (names) =>
      (await topics(names)).map((topic) => ({
        ...topic,
        partitions: topic.partitions.map((each) => ({ ...each, leader: led.includes(each.partition) ? 1 : -1 })),
      }));
  };
  const put = async (key: string | null = null) =>
    (await proxy.produce({ topic: 't', key: key === null ? null : Buffer.from(key), value: Buffer.from('v') }))
      .partition;
  const complain = () => {
    for (const producer of kafka.producers) producer.tell(fault(KafkaCode.transport));
  };
  return { clock, kafka, proxy, stats, leave, put, complain };
}

const many = async (put: () => Promise<number>): Promise<number[]> => {
  const all = [];
  for (let i = 0; i < 60; i++) all.push(await put());
  return [...new Set(all)].sort();
};

describe('producing for clients without a session', () => {
  it('without a key: any partition; while brokers are missing, only those that have a leader', async () => {
    const { clock, leave, put, complain } = make();
    assert.deepEqual(await many(put), [0, 1, 2, 3]);
    leave(1, 3);
    await clock.advance(2_000);
    complain();
    assert.deepEqual(await many(put), [1, 3]);
    const keyed = await many(() => put('a'));
    assert.equal(keyed.length, 1, 'a key keeps its partition');
    leave(0, 1, 2, 3);
    await clock.advance(60_000);
    assert.deepEqual(await many(put), [0, 1, 2, 3]);
  });

  it('partitions without a leader are seen also when no producer has complained', async () => {
    const { clock, leave, put } = make();
    leave(2);
    assert.deepEqual(await many(put), [2], 'from the first record on');
    leave(0, 1, 2, 3);
    await clock.advance(60_000);
    assert.deepEqual(await many(put), [0, 1, 2, 3]);
    leave(0, 1);
    await clock.advance(30_000);
    assert.deepEqual(await many(put), [0, 1], 'half a minute later at the latest');
  });

  it('a partition without a leader shows -1', async () => {
    const { proxy, leave } = make();
    leave(1);
    const { partitions } = await proxy.topic('t', { partitions: true, config: false });
    assert.deepEqual(
      partitions?.map(({ leader }) => leader),
      [-1, 1, -1, -1],
    );
    const all = await proxy.topics({ partitions: true, config: false });
    assert.equal(all.get('t')?.partitions?.[3]?.leader, -1);
  });

  it('a cluster that does not say which partitions have a leader holds nobody up for long', async () => {
    const { clock, kafka, put, complain } = make();
    await put();
    await clock.advance(2_000);
    complain();
    kafka.admin.topics = () => new Promise(() => {});
    const held = put();
    await clock.advance(1_000);
    assert.ok((await held) >= 0);
  });

  it('in turn, over partitions with a leader', async () => {
    const { leave, put } = make({ roundRobin: true });
    leave(0, 2, 3);
    const all = [];
    for (let i = 0; i < 5; i++) all.push(await put('same'));
    assert.deepEqual(all, [0, 2, 3, 0, 2]);
  });

  it('what is too large: refused where the caller waits, else counted and dropped', async () => {
    const { proxy, stats, kafka } = make();
    const record = (size: number) => ({ topic: 't', key: null, value: Buffer.alloc(size), partition: 0 });
    await proxy.enqueue(record(1_000 - 36));
    assert.equal(proxy.enqueue(record(1_000 - 35)), undefined);
    assert.equal(stats.get('producer.delivery.errors'), 1);
    await assert.rejects(proxy.produce(record(1_000 - 35)), { code: 'message-too-large' });
    await proxy.produce(record(1));
    assert.equal(kafka.watermarks('t', 0).high, 2);
  });
});
