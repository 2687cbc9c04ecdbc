// When a shared reader commits: soon after an ack, at once when asked, again when Kafka refused.
import { sleep, within } from '../clock.js';
import type { Clock, TopicPartitionOffset } from '../ports.js';
import { own } from '../promises.js';

/** A partition's position, and what is committed of it. */
export interface Committable {
  readonly partition: number;
  /** The offset to commit. */
  readonly base: number;
  /** The offset that the group has committed, as far as we know. */
  committed: number;
  /** The base is not what is committed. */
  readonly dirty: boolean;
}

export interface GroupCommitsOptions {
  readonly topic: string;
  readonly clock: Clock;
  readonly retryBackoffMs: number;
  /** The partitions that are this member's now. */
  readonly partitions: () => Iterable<Committable>;
  /** @throws KafkaError */
  readonly commit: (positions: readonly TopicPartitionOffset[]) => Promise<void>;
  readonly warn: (text: string, fields: object) => void;
}

/** One commit at a time, of everything that has moved. */
export class GroupCommits {
  readonly #options: GroupCommitsOptions;
  #running: Promise<boolean> = Promise.resolve(true);
  #timer: (() => void) | undefined;
  #stopped = false;

  constructor(options: GroupCommitsOptions) {
    this.#options = options;
  }

  /** Commits after so long, unless a commit is due already; tries again until Kafka takes it. */
  soon(afterMs: number): void {
    if (this.#timer || this.#stopped) return;
    this.#timer = this.#options.clock.after(afterMs, () => {
      this.#timer = undefined;
      own(this.now(), (err) => this.#options.warn('Failed to commit offsets', { err }));
    });
  }

  /** @returns false when Kafka refused: it is tried again later. */
  now(): Promise<boolean> {
    this.#cancel();
    this.#running = this.#running.then(async () => {
      const done = await this.#commit();
      if (!done) this.soon(this.#options.retryBackoffMs);
      return done;
    });
    return this.#running;
  }

  /** Tries for so long; what was not committed then comes again, to whoever reads next. */
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

  /** No more commits by themselves. */
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
    const positions = moved.map(({ partition, base }) => ({ topic, partition, offset: base }));
    try {
      await commit(positions);
      for (const [index, partition] of moved.entries()) partition.committed = positions[index]!.offset;
      return true;
    } catch (error) {
      // Also what is no refusal of Kafka's: the next commit must not fail for it.
      warn('Failed to commit offsets, will retry', { err: error });
      return false;
    }
  }
}
