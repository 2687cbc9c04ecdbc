// Partitions that the gateway chooses: in turn, and those that have a leader.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProducerRecord } from '../../../../src/core/ports.js';
import { Partitioner } from '../../../../src/core/produce/partitioner.js';
import type { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { ManualClock } from '../../../support/clock.js';
import { kafkaError } from '../../../support/port-doubles.js';

const record = (over: Partial<ProducerRecord> = {}): ProducerRecord => ({
  topic: 't',
  key: null,
  value: Buffer.from('v'),
  ...over,
});

/** A partitioner of a topic whose partitions have these leaders; -1: none. */
function make(leaders: number[], { roundRobin = false } = {}) {
  const clock = new ManualClock();
  const state = { leaders, asked: 0, answers: true as boolean | 'never' };
  const all = async () => {
    state.asked += 1;
    if (state.answers === 'never') await new Promise(() => {});
    if (!state.answers) throw kafkaError(-195);
    const partitions = state.leaders.map((leader, partition) => ({ partition, leader, replicas: [], isrs: [] }));
    return new Map([['t', { name: 't', partitions }]]);
  };
  const partitioner = new Partitioner({ all } as unknown as TopicCatalog, clock, roundRobin);
  const placed = async () => (await partitioner.place(record())).partition;
  return { clock, state, partitioner, placed };
}

describe('the partition of a record', () => {
  test("is librdkafka's choice with a key, or where the client names one", () => {
    const { partitioner } = make([1]);
    assert.equal(partitioner.isNeeded(record({ key: Buffer.from('k') })), false);
    assert.equal(partitioner.isNeeded(record({ partition: 3 })), false);
  });

  test('without a key is looked at every five seconds, and for each record while brokers are missing', async () => {
    const { clock, partitioner, placed } = make([1]);
    assert.equal(partitioner.isNeeded(record()), true);
    await placed();
    assert.equal(partitioner.isNeeded(record()), false);
    await clock.advance(5_000);
    assert.equal(partitioner.isNeeded(record()), true);
    await placed();
    partitioner.brokersMissing();
    assert.equal(partitioner.isNeeded(record()), true);
    await placed();
    assert.equal(partitioner.isNeeded(record()), true, 'the next one as well');
    await clock.advance(30_000);
    await placed();
    assert.equal(partitioner.isNeeded(record()), false);
  });

  test('is one that has a leader; a leader that is missing makes every record be looked at for a while', async () => {
    const { partitioner, placed } = make([-1, 7, -1]);
    for (let i = 0; i < 20; i += 1) assert.equal(await placed(), 1);
    assert.equal(partitioner.isNeeded(record()), true);
  });

  test('is left to librdkafka if no partition has a leader, or the cluster does not answer within a second', async () => {
    const { clock, state, placed } = make([-1, -1]);
    assert.equal(await placed(), undefined);
    state.answers = false;
    assert.equal(await placed(), undefined);
    state.answers = 'never';
    const waiting = placed();
    await clock.advance(1_000);
    assert.equal(await waiting, undefined);
  });

  test('in turn, per topic, over those that have a leader', async () => {
    const { partitioner, placed } = make([1, -1, 2], { roundRobin: true });
    assert.equal(partitioner.isNeeded(record({ key: Buffer.from('k') })), true, 'a key makes no difference');
    assert.deepEqual([await placed(), await placed(), await placed(), await placed()], [0, 2, 0, 2]);
  });
});
