// Pump: moves messages of one connected source to the target, and commits on time. The hot path.
import type { Clock, Message } from '../core/ports.js';
import { fail, GatewayError } from '../errors.js';
import type { Positions } from './checkpoint/positions.js';
import type { FilterChain, Verdict } from './record/filter.js';
import type { Refusal } from './record/refusal.js';
import type { SkipLog } from './record/skip-log.js';
import type { Translator } from './record/translate.js';
import type { MappingMetrics } from './report/mapping-metrics.js';
import type { Batch, Reader } from './source/reader.js';
import type { Refusals } from './target/refusals.js';
import type { TargetSession } from './target/target-session.js';
import type { TransactionSize } from './target/transaction-size.js';

export interface PumpOptions {
  readonly reader: Reader;
  readonly session: TargetSession;
  readonly positions: Positions;
  readonly filters: FilterChain;
  readonly translator: Translator;
  readonly metrics: MappingMetrics;
  readonly clock: Clock;
  /** The source topic's name. */
  readonly source: string;
  /** Commit after this many records, or this many ms after the first of them. */
  readonly size: TransactionSize;
  readonly commitIntervalMs: number;
  /** What is to be skipped of that which the target refuses. */
  readonly skips: Readonly<Record<'oversize' | 'invalid', boolean>>;
  readonly refusals: Pick<Refusals, 'of'>;
  readonly skipped: SkipLog;
  /** A record has this time, and the target's topic deletes what is so old. */
  readonly onExpired: (timestamp: number) => void;
  /** Where to stop, by partition; undefined: never. */
  readonly ends: ReadonlyMap<number, number> | undefined;
  /** How long to wait for an open transaction before the end, ms. */
  readonly endTimeoutMs: number;
  /** True when reading should end. */
  readonly leaving: () => boolean;
  /** @param moved something was delivered or passed over */
  readonly onCommit: (moved: boolean) => void;
}

/** Counts as a filter of this name. */
const atHome: Verdict = { id: 'skip_origin', failed: false };

const remedies = {
  oversize: `raise the target's max.message.bytes and target.max_message_bytes, or set target.oversize = "skip"`,
  invalid: 'the target will never take it: set target.invalid = "skip" to leave it out',
} as const;

export class Pump {
  readonly #options: PumpOptions;
  /** Time of the oldest uncommitted change; undefined: none. */
  #since: number | undefined;
  /** Since when an open transaction hides everything up to the end; undefined: none does. */
  #hiddenSince: number | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /**
   * Runs until `leaving`, the source fails, or the end is reached; everything read is committed then.
   * @returns true at the end (stop-at-end)
   * @throws KafkaError from the target; GatewayError `relay-refused` for a message that cannot be relayed
   */
  async run(): Promise<boolean> {
    const { reader, commitIntervalMs, session } = this.#options;
    // Before the first message: after a crash there must be no messages, committed or aborted, without a record of their beginning.
    if (session.claimDue) await this.#commit();
    do {
      await this.#takeAll(await reader.next(commitIntervalMs));
      if (this.#isDue()) await this.#commit();
      this.#refuseHidden();
    } while (!this.#isOver() && !this.#isAtEnd());
    for (const batch of reader.rest()) await this.#takeAll(batch);
    await this.#commit();
    return this.#isAtEnd();
  }

  #isOver(): boolean {
    return this.#options.leaving() || this.#options.reader.failure !== undefined;
  }

  async #takeAll(batch: Batch): Promise<void> {
    const { positions, ends, clock, reader } = this.#options;
    if (reader.isUnlike) return;
    if (batch.messages.length > 0) {
      this.#since ??= clock.monotonic();
      await this.#takeOrRefuse(batch.messages);
    }
    for (const [partition, offset] of reader.isUnlike ? [] : batch.ends) {
      positions.advance(partition, Math.min(offset, ends?.get(partition) ?? offset));
    }
    if (positions.hasMoved) this.#since ??= clock.monotonic();
  }

  /** Messages before one that cannot be relayed are still delivered. */
  async #takeOrRefuse(messages: readonly Message[]): Promise<void> {
    try {
      await this.#take(messages);
    } catch (error) {
      if (error instanceof GatewayError) await this.#commit();
      throw error;
    }
  }

  async #take(messages: readonly Message[]): Promise<void> {
    const { positions, ends, session, filters, translator, clock, reader, size } = this.#options;
    const now = clock.now();
    const filtering = !filters.isEmpty;
    for (const message of messages) {
      const { partition, offset } = message;
      if (offset < positions.at(partition)) {
        if (!reader.isLike(message)) return;
        continue;
      }
      if (ends !== undefined && offset >= (ends.get(partition) ?? 0)) continue;
      const verdict = translator.isAtHome(message) ? atHome : filtering ? filters.check(message) : undefined;
      if (this.#passes(verdict instanceof Promise ? await verdict : verdict)) {
        const room = this.#write(message, now);
        if (room) await room;
      }
      positions.pass(message);
      if (session.pending >= size.records) await this.#commit();
    }
    positions.settle();
    this.#countTimes();
  }

  #countTimes(): void {
    const { translator, metrics, onExpired } = this.#options;
    if (translator.expired !== undefined) onExpired(translator.expired);
    if (translator.timesDropped > 0) {
      metrics.timeDropped(translator.timesDropped);
      translator.timesDropped = 0;
    }
  }

  #passes(verdict: Verdict | undefined): boolean {
    if (verdict) this.#options.metrics.filtered(verdict.id, verdict.failed);
    return verdict === undefined;
  }

  #write(message: Message, now: number): undefined | Promise<void> {
    const { translator, session, metrics, refusals } = this.#options;
    const known = refusals.of(message);
    const record = translator.translate(message, now, known?.kind !== 'time');
    const refusal = known && known.kind !== 'time' ? known : translator.refusal(record);
    if (refusal) {
      this.#skipOrStop(message, refusal);
      return undefined;
    }
    const room = session.write(record, message);
    metrics.relayed(message.partition, (message.key?.length ?? 0) + (message.value?.length ?? 0));
    return room;
  }

  #skipOrStop(message: Message, refusal: Refusal): void {
    const kind = refusal.kind === 'oversize' ? 'oversize' : 'invalid';
    if (this.#options.skips[kind]) {
      this.#options.metrics.refused(kind);
      this.#options.skipped.skipped(message, refusal);
      return;
    }
    const { topic, partition, offset } = message;
    throw fail('relay-refused', `${topic}[${partition}]@${offset}`, `${refusal.reason}; ${remedies[kind]}`);
  }

  #isDue(): boolean {
    const { clock, commitIntervalMs } = this.#options;
    return this.#since !== undefined && clock.monotonic() - this.#since >= commitIntervalMs;
  }

  /** All partitions are read to their end as of the start. */
  #isAtEnd(): boolean {
    const { ends, positions } = this.#options;
    return ends !== undefined && [...ends].every(([partition, end]) => positions.at(partition) >= end);
  }

  /** What was read is recorded by then. @throws GatewayError `relay-refused` if an open transaction hides the rest for too long */
  #refuseHidden(): void {
    const { ends, endTimeoutMs, positions, reader, clock } = this.#options;
    if (!ends) return;
    const hidden = positions.hasMoved ? undefined : reader.hiddenAt(ends, positions.offsets);
    const left = [...ends].filter(([partition, end]) => positions.at(partition) < end).length;
    if (!hidden || hidden.split(' ').length < left) {
      this.#hiddenSince = undefined;
      return;
    }
    this.#hiddenSince ??= clock.monotonic();
    if (clock.monotonic() - this.#hiddenSince < endTimeoutMs) return;
    throw fail(
      'relay-refused',
      `${this.#options.source}${hidden}`,
      'an open transaction hides the rest of the source topic: source_pool.stop_at_end_timeout is over',
    );
  }

  async #commit(): Promise<void> {
    const { session, positions, reader, onCommit } = this.#options;
    const moved = session.pending > 0 || positions.hasMoved;
    if (!moved && !session.claimDue) return;
    await session.commit(positions.takeMoved(), reader.topic.cluster);
    this.#since = undefined;
    onCommit(moved);
  }
}
