import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Clock } from '../../../../../src/core/ports.js';
import { Stats } from '../../../../../src/core/stats/stats.js';
import type { Handed } from '../../../../../src/core/streams/group/pending.js';
import { StreamGroup, type StreamGroupSettings } from '../../../../../src/core/streams/group/stream-group.js';
import { TopicCatalog } from '../../../../../src/core/topics/topic-catalog.js';
import { ManualClock, realClock } from '../../../../support/clock.js';
import { eventually } from '../../../../support/eventually.js';
import { FakeKafka } from '../../../../support/fake-kafka.js';
import { streamConsumerSettings, streamGroupSettings } from '../../../../support/stream-group-settings.js';

const topic = 'orders';

interface Bench {
  readonly kafka: FakeKafka;
  readonly group: StreamGroup;
  readonly givenUp: number[];
  /** How often the group was found idle. */
  idle: number;
}

async function open(
  settings: Partial<StreamGroupSettings> = {},
  partitions = 1,
  clock: Clock = realClock,
): Promise<Bench> {
  const kafka = new FakeKafka();
  kafka.createTopic(topic, partitions);
  const givenUp: number[] = [];
  const idle = { idle: 0 };
  const group = new StreamGroup({
    kafkaGroup: 'g.orders',
    topic,
    catalog: new TopicCatalog(kafka.admin, realClock),
    context: {
      kafka,
      clock,
      stats: new Stats(),
      log: pino({ level: 'silent' }),
      settings: streamConsumerSettings,
    },
    settings: {
      ...streamGroupSettings,
      ...settings,
    },
    after: Promise.resolve(),
    onIdle: () => idle.idle++,
    onGivenUp: async (_, { offset }) => {
      givenUp.push(offset);
    },
  });
  await eventually(5_000, () => group.isSettled);
  return Object.assign(idle, { kafka, group, givenUp });
}

async function close({ group, kafka }: Bench): Promise<void> {
  await group.close();
  await kafka.close();
}

const socket = {};
const request = (group: StreamGroup, name: string, max: number, noack = false) => ({
  member: group.members.seen(name, group.now(), socket),
  max,
  noack,
});

async function take(group: StreamGroup, name: string, count: number): Promise<Handed[]> {
  const handed: Handed[] = [];
  await eventually(5_000, () => {
    handed.push(...group.read(request(group, name, count - handed.length)));
    return handed.length >= count;
  });
  return handed;
}

const never = (error: Error): void => {
  throw error;
};
const offsets = (handed: readonly Handed[]) => handed.map(({ entry }) => entry.offset);

test('a thousand members share one consumer, first come first served, and each has its own pending entries', async () => {
  const bench = await open();
  const { kafka, group } = bench;
  const got: string[] = [];
  for (let n = 0; n < 1_000; n++) {
    group.wait(
      request(group, `m${n}`, 1),
      (handed) => got.push(`${handed[0]!.entry.member}:${offsets(handed)}`),
      never,
    );
  }
  for (let n = 0; n < 1_000; n++) kafka.seed(topic, 0, `v${n}`);
  await eventually(5_000, () => got.length === 1_000);
  assert.deepEqual(
    got,
    Array.from({ length: 1_000 }, (_, n) => `m${n}:${n}`),
  );
  assert.equal(kafka.consumers.size, 1);
  assert.equal(group.pendingOf('m7').length, 1);
  assert.equal(group.pending, 1_000);
  await close(bench);
});

test('acks out of order move the position when the gap closes', async () => {
  const bench = await open();
  const { kafka, group } = bench;
  for (let n = 0; n < 5; n++) kafka.seed(topic, 0, `v${n}`);
  assert.deepEqual(offsets(await take(group, 'a', 5)), [0, 1, 2, 3, 4]);
  assert.equal(group.ack(0, 3), true);
  assert.equal(group.ack(0, 3), false);
  assert.equal(group.ack(0, 9), false);
  assert.equal(group.ack(7, 0), false);
  const position = async () => (await kafka.admin.groupOffsets('g.orders', [{ topic, partition: 0 }]))[0]?.offset;
  await group.commit();
  assert.equal((await position()) ?? 0, 0);
  for (const offset of [0, 1, 2]) group.ack(0, offset);
  await group.commit();
  assert.equal(await position(), 4);
  await close(bench);
});

test('an ack in the middle of a rebalance is not promised, but kept where the partition comes back', async () => {
  const bench = await open({}, 2);
  const { kafka, group } = bench;
  for (const partition of [0, 1]) kafka.seed(topic, partition, 'v');
  await take(group, 'a', 2);
  let goOn: () => void = () => {};
  const revoked = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  // Another member that is slow to give up what it has, so that the rebalance lasts; it gets partition 1.
  const slow = { memberId: 'slow', clientId: 'slow', topics: [topic], assigned: [], assign: async () => {} };
  const joining = kafka.group('g.orders').join({ ...slow, revoke: () => revoked });
  await eventually(5_000, () => group.partitions.length === 0);
  assert.equal(group.ack(0, 0), false);
  assert.equal(group.ack(1, 0), false);
  goOn();
  await joining;
  await eventually(5_000, () => group.partitions.length === 1);
  await group.commit();
  const positions = await kafka.admin.groupOffsets(
    'g.orders',
    [0, 1].map((partition) => ({ topic, partition })),
  );
  const position = (partition: number) => positions.find((each) => each.partition === partition)?.offset ?? 0;
  assert.deepEqual([position(0), position(1)], [1, 0]);
  assert.equal(group.pending, 0);
  await close(bench);
});

test('beyond the byte budget pending entries keep coordinates, not payloads', async () => {
  const bench = await open({ pendingBytes: 5_000 });
  const { kafka, group } = bench;
  for (let n = 0; n < 20; n++) kafka.seed(topic, 0, Buffer.alloc(1_000));
  const handed = await take(group, 'a', 20);
  assert.ok(handed.every(({ message }) => message?.value?.length === 1_000));
  assert.equal(group.pendingOf('a').filter(({ message }) => message).length, 4);
  for (const offset of [0, 1, 2, 3]) group.ack(0, offset);
  assert.ok(group.pendingOf('a').every(({ message }) => message === undefined));
  await close(bench);
});

test('no more than maxPending entries of a partition are out; an ack lets the next one go', async () => {
  const bench = await open({ maxPending: 2 });
  const { kafka, group } = bench;
  for (let n = 0; n < 4; n++) kafka.seed(topic, 0, `v${n}`);
  await take(group, 'a', 2);
  assert.deepEqual(group.read(request(group, 'a', 10)), []);
  const waited: number[] = [];
  group.wait(request(group, 'b', 10), (handed) => waited.push(...offsets(handed)), never);
  group.ack(0, 0);
  await eventually(5_000, () => waited.length > 0);
  assert.deepEqual(waited, [2]);
  await close(bench);
});

test('what is released goes to the next who asks, in front of everything new', async () => {
  const bench = await open();
  const { kafka, group } = bench;
  for (let n = 0; n < 3; n++) kafka.seed(topic, 0, `v${n}`);
  const [first] = await take(group, 'a', 2);
  group.release([first!.entry], true);
  assert.equal(group.find(0, 0), undefined);
  const again = await take(group, 'b', 2);
  assert.deepEqual(offsets(again), [0, 2]);
  assert.equal(again[0]!.entry.deliveries, 1, 'an entry whose reply never left was not delivered');
  group.release([again[0]!.entry], false);
  assert.equal((await take(group, 'c', 1))[0]!.entry.deliveries, 2);
  await close(bench);
});

test('a member without a socket loses its pending entries after a while, one with a socket never', async () => {
  const bench = await open({ pendingTimeoutMs: 1 });
  const { kafka, group } = bench;
  for (let n = 0; n < 2; n++) kafka.seed(topic, 0, `v${n}`);
  const other = {};
  await take(group, 'living', 1);
  group.members.seen('dying', group.now(), other);
  const member = group.members.get('dying')!;
  await eventually(5_000, () => group.read({ member, max: 1, noack: false }).length === 1);
  group.gone(other);
  await eventually(5_000, () => group.pendingOf('dying').length === 0);
  assert.equal(group.pendingOf('living').length, 1);
  assert.deepEqual(offsets(await take(group, 'living', 1)), [1]);
  await close(bench);
});

test('NOACK: handed out and acknowledged at once', async () => {
  const bench = await open();
  const { kafka, group } = bench;
  kafka.seed(topic, 0, 'v');
  await eventually(5_000, () => group.read(request(group, 'a', 1, true)).length === 1);
  assert.equal(group.pending, 0);
  assert.equal(group.partitions[0]!.base, 1);
  await close(bench);
});

test('pinned: a key goes to the same member, whoever asks first', async () => {
  const bench = await open({ dispatch: 'pinned' });
  const { kafka, group } = bench;
  for (const name of ['a', 'b', 'c']) group.members.seen(name, group.now(), socket);
  const keys = Array.from({ length: 60 }, (_, n) => `k${n % 12}`);
  for (const key of keys) kafka.seed(topic, 0, 'v', { key: Buffer.from(key) });
  const owners = new Map<string, Set<string>>();
  let count = 0;
  await eventually(5_000, () => {
    for (const name of ['a', 'b', 'c']) {
      for (const { message } of group.read(request(group, name, 3))) {
        const key = String(message!.key);
        owners.set(key, (owners.get(key) ?? new Set()).add(name));
        count++;
      }
    }
    return count === 60;
  });
  assert.equal(owners.size, 12);
  assert.ok([...owners.values()].every((names) => names.size === 1));
  assert.ok(new Set([...owners.values()].flatMap((names) => [...names])).size > 1, 'the keys are spread');
  await close(bench);
});

test('an entry that was delivered often enough is given up once and not handed out again', async () => {
  const bench = await open({ maxDeliveries: 2 });
  const { kafka, group, givenUp } = bench;
  kafka.seed(topic, 0, 'poison');
  for (let n = 0; n < 2; n++) group.release([(await take(group, 'a', 1))[0]!.entry], false);
  assert.deepEqual(group.read(request(group, 'a', 1)), []);
  await eventually(5_000, () => group.pending === 0);
  assert.deepEqual(givenUp, [0]);
  await close(bench);
});

test('a group whose entries were all given back is idle: another gateway may have its partitions', async () => {
  const bench = await open({ idleMs: 1, pendingTimeoutMs: 0 });
  const { kafka, group } = bench;
  kafka.seed(topic, 0, 'v');
  await take(group, 'a', 1);
  group.gone(socket);
  await eventually(9_000, () => bench.idle > 0);
  assert.equal(group.pending, 1);
  await close(bench);
});

test('a group whose member is connected and has entries is not idle', async () => {
  const clock = new ManualClock();
  const bench = await open({ idleMs: 1, pendingTimeoutMs: 0 }, 1, clock);
  const { kafka, group } = bench;
  kafka.seed(topic, 0, 'v');
  await take(group, 'a', 1);
  await clock.advance(600_000);
  assert.equal(bench.idle, 0);
  await close(bench);
});
