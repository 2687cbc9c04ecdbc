// TimeLine: maps ids and times of one stream to offsets in its partitions, by asking Kafka for the first offsets of times.
import type { Message } from '../../ports.js';
import type { Marks } from './marks.js';
import { type Place, timeOf } from './place.js';
import type { Ranges } from './range-reader.js';

/** Entries from the id on, inclusive, or those after it. */
type Side = 'before' | 'behind';

/** A place in a stream: an id, and the side of its entry. */
export interface Edge {
  readonly id: Place;
  readonly side: Side;
}

/** A place in every partition. */
export interface Cut {
  /** By partition, the first offset after the place. */
  readonly offsets: ReadonlyMap<number, number>;
  /** What follows the place has at least this level; 0: unknown. */
  readonly level: number;
}

/** An entry whose level is wanted: it is at least `atLeast`. */
interface LevelOf {
  readonly offset: number;
  readonly atLeast: number;
}

/** Growth factor of the steps in the search for a level. */
const growth = 8;

/** The partitions of a topic at one moment. It caches Kafka's answers, so a new one is made for each command. */
export class TimeLine {
  readonly #reader: Ranges;
  readonly #topic: string;
  readonly #marks: ReadonlyMap<number, Marks>;
  readonly #firsts = new Map<number, Promise<ReadonlyMap<number, number>>>();

  constructor(reader: Ranges, topic: string, marks: readonly Marks[]) {
    this.#reader = reader;
    this.#topic = topic;
    this.#marks = new Map(marks.map((each) => [each.partition, each]));
  }

  /** By partition, the first offset whose level is ms or later; its end if there is none. @throws as RangeReader.offsetsAt() */
  firstAt(ms: number): Promise<ReadonlyMap<number, number>> {
    let asked = this.#firsts.get(ms);
    if (!asked) {
      asked = this.#ask(new Map([...this.#marks.keys()].map((partition) => [partition, ms])));
      this.#firsts.set(ms, asked);
    }
    return asked;
  }

  /**
   * The position of an id in every partition. An id without a record is a time: the part behind the dash orders it among the ids of its
   * millisecond. An id whose record is gone keeps the record's position. @throws as RangeReader.offsetsAt()
   */
  async cut({ id, side }: Edge): Promise<Cut> {
    if (id.ms < 1) return { offsets: this.#ends('low'), level: 0 };
    if (!Number.isSafeInteger(id.ms)) return { offsets: this.#ends('high'), level: 0 };
    const { level, gone } = await this.#find(id);
    const [from, to] = await Promise.all([this.firstAt(level), this.firstAt(level + 1)]);
    const offsets = new Map<number, number>();
    for (const [partition, { low }] of this.#marks) {
      // Among entries of one level the offset decides, then the partition.
      const isBehind = side === 'behind' ? partition > id.partition : partition >= id.partition;
      const wanted = isBehind ? id.offset : id.offset + 1;
      const between = Math.min(Math.max(wanted, from.get(partition)!), to.get(partition)!);
      offsets.set(partition, gone && partition === id.partition ? Math.max(low, id.offset) : between);
    }
    return { offsets, level };
  }

  async #levels(entries: ReadonlyMap<number, LevelOf>): Promise<Map<number, number>> {
    const searches = [...entries].map(([partition, { offset, atLeast }]) => {
      return { partition, offset, level: atLeast, step: 1, above: Number.POSITIVE_INFINITY };
    });
    for (;;) {
      const open = searches.filter(({ level, above }) => level + 1 < above);
      if (open.length === 0) return new Map(searches.map(({ partition, level }) => [partition, level]));
      const probes = new Map(open.map((search): [number, number] => [search.partition, probe(search)]));
      const found = await this.#ask(probes);
      for (const search of open) {
        const ms = probes.get(search.partition)!;
        if (found.get(search.partition)! <= search.offset) search.level = ms;
        else search.above = ms;
        search.step *= growth;
      }
    }
  }

  /** The levels of messages by partition, one of each. @throws as RangeReader.offsetsAt() */
  levelsOf(messages: readonly Message[]): Promise<Map<number, number>> {
    const entries = messages.map((message): [number, LevelOf] => {
      return [message.partition, { offset: message.offset, atLeast: timeOf(message) }];
    });
    return this.#levels(new Map(entries));
  }

  /** The level of an id, and whether its record is gone. */
  async #find({ ms, offset, partition }: Place): Promise<{ level: number; gone?: boolean }> {
    const time = { level: ms };
    const own = this.#marks.get(partition);
    if (!own || offset >= own.high) return time;
    // An id made up from a time may have any offset: the time decides if there is no such record.
    if (offset < own.low) return { level: ms, gone: offset > 0 };
    const [from, to] = (await Promise.all([this.firstAt(ms), this.firstAt(ms + 1)])).map((at) => at.get(partition)!);
    if ((offset >= from! && offset < to!) || offset === 0) return time;
    const read = await this.#reader.read(this.#topic, [{ partition, from: offset, to: offset + 1, max: 1 }]);
    const record = read.get(partition)!.messages[0];
    if (record && timeOf(record) !== ms) return time;
    const gone = record === undefined;
    if (offset < from!) return { level: ms, gone };
    const levels = await this.#levels(new Map([[partition, { offset, atLeast: ms + 1 }]]));
    return { level: levels.get(partition)!, gone };
  }

  async #ask(times: ReadonlyMap<number, number>): Promise<ReadonlyMap<number, number>> {
    const asked = new Map([...times].filter(([, ms]) => ms > 1 && Number.isSafeInteger(ms)));
    const found = asked.size > 0 ? await this.#reader.offsetsAt(this.#topic, asked) : undefined;
    return new Map(
      [...times].map(([partition, ms]) => {
        const { low, high } = this.#marks.get(partition)!;
        if (ms <= 1) return [partition, low];
        // What arrived after the watermarks were requested is ignored.
        return [partition, Math.min(high, Math.max(low, found?.get(partition) ?? high))];
      }),
    );
  }

  #ends(end: 'low' | 'high'): Map<number, number> {
    return new Map([...this.#marks].map(([partition, marks]) => [partition, marks[end]]));
  }
}

/** The next time to ask for: larger and larger steps until the level is passed, then bisection. */
function probe({ level, above, step }: { level: number; above: number; step: number }): number {
  if (above === Number.POSITIVE_INFINITY) return Math.min(level + step, Number.MAX_SAFE_INTEGER + 1);
  return level + Math.floor((above - level) / 2);
}
