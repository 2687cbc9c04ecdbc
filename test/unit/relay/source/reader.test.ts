// The reader: batches in order, each with the ends that belong behind it, and no more read ahead than is allowed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  Consumer,
  ConsumerOptions,
  KafkaFactory,
  Message,
  TopicPartitionOffset,
} from '../../../../src/core/ports.js';
import { digestOf } from '../../../../src/relay/checkpoint/checkpoint.js';
import { Reader } from '../../../../src/relay/source/reader.js';
import type { SourceTopic } from '../../../../src/relay/topics/source-topic.js';

const message = (offset: number, bytes = 10): Message => ({
  topic: 'a',
  partition: 0,
  offset,
  key: null,
  value: Buffer.alloc(bytes, 'x'),
  headers: [],
  timestamp: 1,
});

/** A source whose polls are scripted: what each returns, and the end it tells of. */
async function readerOf(
  polls: { offsets: number[]; end?: number; bytes?: number }[],
  readAheadBytes = 1_000_000,
  progress = new Map(),
  hangs = false,
) {
  let polled: () => void = () => {};
  const kept = new Promise<void>((resolve) => {
    polled = resolve;
  });
  const state = { polls: 0, assigned: [] as TopicPartitionOffset[], asked: [] as number[] };
  const kafka = {
    brokers: 'x',
    consumer: async (options: ConsumerOptions): Promise<Consumer> =>
      ({
        assign: (list: TopicPartitionOffset[]) => state.assigned.push(...list),
        poll: async (max: number) => {
          state.asked.push(max);
          polled();
          await new Promise((resolve) => !hangs && setImmediate(resolve));
          const poll = polls[state.polls++];
          if (poll?.end !== undefined) options.onEnd?.({ topic: 'a', partition: 0, offset: poll.end });
          return (poll?.offsets ?? []).map((offset) => message(offset, poll?.bytes));
        },
        close: async () => {},
      }) as unknown as Consumer,
  } as unknown as KafkaFactory;
  const topic: SourceTopic = {
    cluster: 'c',
    topicId: 't',
    partitions: [0],
    low: new Map([[0, 0]]),
    high: new Map([[0, 100]]),
  };
  const positions = new Map([[0, 10]]);
  const reader = await Reader.open({
    id: 0,
    kafka,
    name: 'a',
    topic,
    positions,
    progress,
    properties: {},
    readAheadBytes,
    timeoutMs: 1_000,
  });
  return { reader, state, kept: () => kept };
}

describe('reader', () => {
  test('an end that is heard of while an earlier batch waits belongs to the later one', async () => {
    const { reader, state } = await readerOf([
      { offsets: [10, 11] },
      { offsets: [12, 13] },
      { offsets: [14], end: 15 },
    ]);
    const first = await reader.next(10);
    while (state.polls < 4) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([...first.ends], []);
    const second = await reader.next(10);
    assert.deepEqual([...second.ends], []);
    const third = await reader.next(10);
    assert.deepEqual([...third.ends], [[0, 15]]);
    assert.deepEqual(
      [first, second, third].flatMap(({ messages }) => messages.map(({ offset }) => offset)),
      [10, 11, 12, 13, 14],
    );
  });

  test('an empty batch after a wait in vain', async () => {
    const { reader } = await readerOf([]);
    assert.deepEqual((await reader.next(1)).messages, []);
  });

  test('reading ahead stops at the byte bound', async () => {
    const polls = Array.from({ length: 50 }, (_, n) => ({ offsets: [10 + n], bytes: 10_000 }));
    const { reader, state } = await readerOf(polls, 40_000);
    await reader.next(1);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(state.polls <= 6, `${state.polls} polls`);
  });

  test('a poll asks for no more than the bound holds of the largest messages of late', async () => {
    const polls = [300_000, ...Array<number>(12).fill(10)].map((bytes, n) => ({ offsets: [10 + n], bytes }));
    const { reader, state } = await readerOf(polls, 1_600_000);
    for (let n = 0; n < polls.length; n++) await reader.next(1);
    assert.deepEqual(state.asked.slice(0, 4), [16, 5, 10, 21]);
    assert.equal(state.asked.at(-1), 1_000);
  });

  test('starts one message early to hold the source against what was relayed', async () => {
    const same = new Map([[0, { next: 10, from: 'other', last: { offset: 8, digest: digestOf(message(8)) } }]]);
    const { reader, state } = await readerOf([], 1_000, same);
    assert.equal(state.assigned[0]?.offset, 8);
    assert.equal(reader.isLike(message(8)), true);
    assert.equal(reader.isLike(message(9, 99)), true, 'only the recorded one is compared');
    assert.equal(reader.failure, undefined);
    assert.equal(reader.isLike(message(8, 99)), false);
    assert.equal(reader.isUnlike, true);
    assert.match(reader.failure ?? '', /a\[0\]@8: the source is not identical/);
  });

  test('who waits is told at once that the source is to be left', async () => {
    const { reader, kept } = await readerOf([], 1_000_000, new Map(), true);
    const waiting = reader.next(60_000);
    await kept();
    reader.fail('lags');
    assert.deepEqual((await waiting).messages, []);
    assert.equal(reader.failure, 'lags');
  });
});
