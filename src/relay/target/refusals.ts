// Refusals: the records that the target's brokers refuse, and how one of them is found in a batch that is refused as a whole.
import { KafkaCode, KafkaError, type KafkaFault, type Message } from '../../core/ports.js';
import type { BatchBounds } from '../config/properties.js';
import type { Refusal, RefusalKind } from '../record/refusal.js';

/** librdkafka's code for the other records of a batch in which the broker found an invalid one. */
const besideInvalid = -138;

const kinds: ReadonlyMap<number, RefusalKind> = new Map([
  [KafkaCode.messageTooLarge, 'oversize'],
  [KafkaCode.recordListTooLarge, 'oversize'],
  [KafkaCode.invalidTimestamp, 'time'],
  [KafkaCode.invalidRecord, 'invalid'],
  [KafkaCode.policyViolation, 'invalid'],
  [besideInvalid, 'invalid'],
]);

/** Whether the broker refuses what it was sent: sending the same again changes nothing. */
export const isRefusal = ({ code }: Pick<KafkaFault, 'code'>): boolean => kinds.has(code);

type Place = Pick<Message, 'partition' | 'offset'>;

const leastBatchBytes = 1_024;

/** What one mapping knows of them. It outlives the sessions, each of which ends with a refusal. */
export class Refusals {
  readonly #known = new Map<string, Refusal>();
  #batchBytes: number;
  /** Records are sent one by one until progress is recorded up to here. */
  #until: ReadonlyMap<number, number> | undefined;
  /** The range that was to be sent one by one is behind us. */
  isOver = false;

  /** @param batchBytes of a batch of several records */
  constructor(batchBytes: number) {
    this.#batchBytes = batchBytes;
  }

  /** How the next session sends. */
  get batches(): BatchBounds {
    return { bytes: this.#batchBytes, alone: this.#until !== undefined };
  }

  /** Why the target refuses this message; undefined: it has not refused it. */
  of({ partition, offset }: Place): Refusal | undefined {
    return this.#known.size === 0 ? undefined : this.#known.get(`${partition}@${offset}`);
  }

  /** Adds what a session found. @returns whether it is news */
  add({ partition, offset }: Place, { code, message }: KafkaFault): boolean {
    const place = `${partition}@${offset}`;
    const before = this.#known.get(place);
    const kind = kinds.get(code) ?? 'invalid';
    // Without its own time it is refused as well.
    const refusal: Refusal = { kind: before && kind === 'time' ? 'invalid' : kind, reason: message };
    this.#known.set(place, refusal);
    return before?.kind !== refusal.kind;
  }

  /**
   * A batch was refused, and which record of it is not known.
   * @param positions what was read by then
   * @returns false if records went one by one already: then it is none of them
   */
  search(positions: ReadonlyMap<number, number>, fault: Pick<KafkaFault, 'code'>): boolean {
    if (this.#until === undefined) {
      this.#until = new Map(positions);
      return true;
    }
    if (kinds.get(fault.code) === 'oversize')
      this.#batchBytes = Math.max(leastBatchBytes, Math.floor(this.#batchBytes / 2));
    return false;
  }

  /** Progress is recorded up to these positions. */
  recorded(positions: ReadonlyMap<number, number>): void {
    for (const place of this.#known.keys()) {
      const [partition, offset] = place.split('@').map(Number) as [number, number];
      if (offset < (positions.get(partition) ?? 0)) this.#known.delete(place);
    }
    if (this.#until === undefined) return;
    if ([...this.#until].some(([partition, next]) => (positions.get(partition) ?? 0) < next)) return;
    this.#until = undefined;
    this.isOver = true;
  }
}

/** The refusals that one session's reports name. */
export class RefusedRecords {
  readonly #found: (readonly [Place, KafkaFault])[] = [];

  get found(): readonly (readonly [Place, KafkaFault])[] {
    return this.#found;
  }

  /** @param tag what was given with the record */
  report(tag: unknown, fault: KafkaFault): void {
    if (tag !== undefined && isRefusal(fault)) this.#found.push([tag as Place, fault]);
  }

  /** librdkafka itself did not take it. */
  thrown(tag: unknown, error: unknown): void {
    if (error instanceof KafkaError) this.report(tag, error);
  }
}
