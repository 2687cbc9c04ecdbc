// The order of a stream whose times do not grow with its offsets: every way of paging gives every entry once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../../../../../src/core/ports.js';
import { type Marks, marksOf } from '../../../../../src/core/streams/log/marks.js';
import { timeOf } from '../../../../../src/core/streams/log/place.js';
import { RangeReader } from '../../../../../src/core/streams/log/range-reader.js';
import {
  readBackward,
  readForward,
  type StreamLog,
  streamLog,
} from '../../../../../src/core/streams/log/stream-log.js';
import { readOn } from '../../../../../src/core/streams/log/stream-tail.js';
import { TopicCatalog } from '../../../../../src/core/topics/topic-catalog.js';
import { formatId, parseBehind, parseEdge, wholeStream } from '../../../../../src/resp/streams/ids.js';
import { realClock } from '../../../../support/clock.js';
import { FakeKafka } from '../../../../support/fake-kafka.js';

interface Case {
  /** Timestamps by partition. */
  readonly partitions: readonly (readonly number[])[];
  /** Records deleted from each partition's start. */
  readonly deleted: readonly number[];
  readonly count: number;
}

interface Entry {
  readonly id: string;
  readonly level: number;
  readonly offset: number;
  readonly partition: number;
}

/** Close together, so that times and levels meet; and far apart, as clocks of other years are. */
const time = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 100, max: 120 }) },
  { weight: 2, arbitrary: fc.integer({ min: -1, max: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4_102_444_800_000 }) },
);
const cases: fc.Arbitrary<Case> = fc
  .array(fc.array(time, { maxLength: 12 }), { minLength: 1, maxLength: 4 })
  .chain((partitions) =>
    fc.record({
      partitions: fc.constant(partitions),
      deleted: fc.tuple(...partitions.map(({ length }) => fc.nat({ max: Math.min(3, length) }))),
      count: fc.integer({ min: 1, max: 7 }),
    }),
  );

/** The definition, without any question asked of Kafka. */
function ordered({ partitions, deleted }: Case): Entry[] {
  const entries = partitions.flatMap((times, partition) => {
    let level = 0;
    return times.flatMap((timestamp, offset) => {
      if (offset < deleted[partition]!) return [];
      level = Math.max(level, timeOf({ timestamp }));
      return [{ id: formatId({ timestamp, offset, partition }), level, offset, partition }];
    });
  });
  return entries.sort((a, b) => a.level - b.level || a.offset - b.offset || a.partition - b.partition);
}

async function withLog(given: Case, run: (log: StreamLog, marks: readonly Marks[]) => Promise<void>): Promise<void> {
  const kafka = new FakeKafka();
  const reader = new RangeReader({ kafka, clock: realClock, timeoutMs: 10_000, idleMs: 60_000, onFault: () => {} });
  try {
    kafka.createTopic('s', given.partitions.length);
    given.partitions.forEach((times, partition) => {
      for (const timestamp of times) kafka.seed('s', partition, 'v', { timestamp });
      kafka.partition('s', partition)!.low = given.deleted[partition]!;
    });
    const marks = await marksOf(new TopicCatalog(kafka.admin, realClock), kafka.admin, 's');
    await run(streamLog(reader, 's', marks!), marks!);
  } finally {
    await reader.close();
    await kafka.close();
  }
}

/** As a client pages: each page over another connection, with nothing but the last id. */
async function paged(log: StreamLog, page: (log: StreamLog, last: string | undefined) => Promise<readonly Message[]>) {
  const ids: string[] = [];
  for (let pages = 0; pages < 100; pages++) {
    const found = await page(streamLog(log.reader, log.topic, log.marks), ids.at(-1));
    if (found.length === 0) return ids;
    ids.push(...found.map(formatId));
  }
  throw new Error(`the pages do not end: ${ids.slice(0, 20)}`);
}

const bytes = (text: string): Buffer => Buffer.from(text);
const idsOf = (entries: readonly { id: string }[]): string[] => entries.map(({ id }) => id);
const check = (property: (given: Case) => Promise<void>) =>
  fc.assert(fc.asyncProperty(cases, property), { numRuns: 60 });

test('XRANGE pages by `(id` through any times, each entry once', () =>
  check((given) =>
    withLog(given, async (log) => {
      const got = await paged(log, (now, last) => {
        const from = last ? parseEdge(bytes(`(${last}`), 'start') : wholeStream.from;
        return readForward(now, { from, to: wholeStream.to, max: given.count });
      });
      assert.deepEqual(got, idsOf(ordered(given)));
    }),
  ));

test('XREVRANGE pages by `(id` through any times, each entry once', () =>
  check((given) =>
    withLog(given, async (log) => {
      const got = await paged(log, (now, last) => {
        const to = last ? parseEdge(bytes(`(${last}`), 'end') : wholeStream.to;
        return readBackward(now, { from: wholeStream.from, to, max: given.count });
      });
      assert.deepEqual(got, idsOf(ordered(given)).toReversed());
    }),
  ));

test('XREAD behind the last id ends on any times, each entry once', () =>
  check((given) =>
    withLog(given, async (log, marks) => {
      const got = await paged(log, async (now, last) => {
        const from = await now.line.cut(parseBehind(bytes(last ?? '0')));
        return (await readOn(now.reader, 's', marks, from, given.count)).messages;
      });
      assert.deepEqual(got, idsOf(ordered(given)));
    }),
  ));

test('an id finds its entry, and two ids what lies between them', () =>
  check((given) =>
    withLog(given, async (log) => {
      const all = ordered(given);
      const range = async (first: string, last: string) => {
        const [from, to] = [parseEdge(bytes(first), 'start'), parseEdge(bytes(last), 'end')];
        const now = streamLog(log.reader, log.topic, log.marks);
        const up = (await readForward(now, { from, to, max: 100 })).map(formatId);
        assert.deepEqual((await readBackward(now, { from, to, max: 100 })).map(formatId).toReversed(), up);
        return up;
      };
      for (const [at, { id }] of all.entries()) {
        assert.deepEqual(await range(id, id), [id]);
        const other = (at * 7 + given.count) % all.length;
        const [first, last] = [Math.min(at, other), Math.max(at, other)];
        assert.deepEqual(await range(all[first]!.id, all[last]!.id), idsOf(all.slice(first, last + 1)));
        if (first < last) assert.deepEqual(await range(all[last]!.id, all[first]!.id), []);
      }
    }),
  ));

test('a time takes what has it or a later one, and all behind that in its partition', () =>
  check((given) =>
    withLog(given, async (log) => {
      const all = ordered(given);
      for (const ms of [1, 2, 3, 4, 99, 100, 107, 113, 120, 121, 5_000]) {
        const later = idsOf(all.filter(({ level }) => level >= ms)).sort();
        const cut = await log.line.cut(parseBehind(bytes(String(ms))));
        const from = all.filter(({ offset, partition }) => offset >= cut.offsets.get(partition)!);
        assert.deepEqual(idsOf(from).sort(), later, `XREAD and XGROUP CREATE from ${ms}`);
        const range = { from: parseEdge(bytes(String(ms)), 'start'), to: wholeStream.to, max: 100 };
        assert.deepEqual((await readForward(log, range)).map(formatId).sort(), later, `XRANGE from ${ms}`);
      }
    }),
  ));

test('an id whose record is gone stands where it stood', async () => {
  const given = {
    partitions: [
      [100, 90, 95, 80, 97],
      [93, 99, 101],
    ],
    deleted: [0, 0],
    count: 1,
  };
  await withLog(given, async (log, marks) => {
    const behind = async (id: string) => {
      const now = streamLog(
        log.reader,
        's',
        marks.map((each) => (each.partition === 0 ? { ...each, low: 3 } : each)),
      );
      const cut = await now.line.cut(parseBehind(bytes(id)));
      return (await readOn(log.reader, 's', now.marks, cut, 10)).messages.map(formatId);
    };
    // Offset 2 of partition 0; what lies behind it there is older than it says.
    const id = formatId({ timestamp: 95, offset: 2, partition: 0 });
    assert.deepEqual(
      (await behind(id)).filter((found) => Number(found.split('-')[1]) % 65_536 === 0),
      [formatId({ timestamp: 80, offset: 3, partition: 0 }), formatId({ timestamp: 97, offset: 4, partition: 0 })],
    );
  });
});

test('an id before the first record of a partition is read from that record on', async () => {
  const given = { partitions: [[100, 101], [100]], deleted: [0, 0], count: 1 };
  await withLog(given, async (log, marks) => {
    for (const id of ['50', '50-0', '99-0', '100', '50-18446744073709551615']) {
      const cut = await log.line.cut(parseBehind(bytes(id)));
      assert.deepEqual([...cut.offsets.values()], [0, 0], id);
    }
    const first = await log.line.cut(parseBehind(bytes('100-0')));
    assert.deepEqual([...first.offsets.values()], [1, 0]);
    assert.equal(marks.length, 2);
  });
});
