// When a group reader commits: soon after an ack, at once on request, again after a refusal.
import { sleep, within } from '../clock.js';
import type { Clock, MovedPosition } from '../ports.js';
import { own } from '../promises.js';

/** A partition's position and its committed offset. */
export interface Committable {
  readonly partition: number;
  /** The offset to commit. */
  readonly base: number;
  /** The last known committed offset of the group. */
  committed: number;
  /** The base differs from the committed offset. */
  readonly dirty: boolean;
  /** Acks above the base, committed with it: a transaction may have taken them. */
  readonly sparse: { readonly metadata: string };
}

export interface GroupCommitsOptions {
  readonly topic: string;
  readonly clock: Clock;
  readonly retryBackoffMs: number;
  /** The currently assigned partitions. */
  readonly partitions: () => Iterable<Committable>;
  /** @throws KafkaError */
  readonly commit: (positions: readonly MovedPosition[]) => Promise<void>;
  readonly warn: (text: string, fields: object) => void;
}

/** One commit at a time, of every position that has moved. */
export class GroupCommits {
  readonly #options: GroupCommitsOptions;
  #running: Promise<boolean> = Promise.resolve(true);
  #timer: (() => void) | undefined;
  #stopped = false;

  constructor(options: GroupCommitsOptions) {
    this.#options = options;
  }

  /** Commits after a delay, unless a commit is due already; retries until Kafka accepts it. */
  soon(afterMs: number): void {
    if (this.#timer || this.#stopped) return;
    this.#timer = this.#options.clock.after(afterMs, () => {
      this.#timer = undefined;
      own(this.now(), (err) => this.#options.warn('Failed to commit offsets', { err }));
    });
  }

  /** @returns false if Kafka refused: it is retried later. */
  now(): Promise<boolean> {
    this.#cancel();
    this.#running = this.#running.then(async () => {
      const done = await this.#commit();
      if (!done) this.soon(this.#options.retryBackoffMs);
      return done;
    });
    return this.#running;
  }

  /** Retries for a limited time; what is not committed by then is redelivered to the next reader. */
  async within(limitMs: number): Promise<void> {
    const { clock, retryBackoffMs, warn } = this.#options;
    const deadline = clock.monotonic() + limitMs;
    for (let left = limitMs; left > 0; left = deadline - clock.monotonic()) {
      if (await within(clock, left, this.now())) return;
      await sleep(clock, Math.min(retryBackoffMs, limitMs / 10));
    }
    warn('Left without committing the last acks: their messages come again', {});
  }

  /** Resolves when no commit is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Waits for the commit under way. None follows until the returned function is called. */
  async pause(): Promise<() => void> {
    let resume = (): void => {};
    const paused = new Promise<boolean>((resolve) => {
      resume = () => resolve(true);
    });
    const before = this.#running;
    this.#running = before.then(() => paused);
    await before;
    return resume;
  }

  /** No more scheduled commits. */
  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #cancel(): void {
    this.#timer?.();
    this.#timer = undefined;
  }

  async #commit(): Promise<boolean> {
    const { topic, partitions, commit, warn } = this.#options;
    const moved = [...partitions()].filter(({ dirty }) => dirty);
    if (moved.length === 0) return true;
    const positions = moved.map(({ partition, base, sparse: { metadata } }) => ({
      topic,
      partition,
      offset: base,
      ...(metadata === '' ? {} : { metadata }),
    }));
    try {
      await commit(positions);
      for (const [index, partition] of moved.entries()) partition.committed = positions[index]!.offset;
      return true;
    } catch (error) {
      // Also errors that are not refusals by Kafka: they must not fail the next commit.
      warn('Failed to commit offsets, will retry', { err: error });
      return false;
    }
  }
}
