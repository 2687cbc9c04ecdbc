// Health: checks the sources of one mapping, periodically and on request.
import { within } from '../../core/clock.js';
import type { Clock, KafkaFactory } from '../../core/ports.js';
import { inspectSource, type SourceTopic } from '../topics/source-topic.js';
import { isTransient } from '../transient.js';
import type { SourceFaults } from './source-faults.js';
import type { SourcePool } from './source-pool.js';
import { weightOf } from './source-pool.js';

/** One check in this many counts the partitions again. */
const countEvery = 10;

/** The result of a check of every source; undefined for those that did not answer in time. */
export class Health {
  readonly #sources: readonly KafkaFactory[];
  readonly #topic: string;
  readonly #pool: SourcePool<SourceTopic>;
  readonly #clock: Clock;
  readonly #onWeight: (id: number, weight: number) => void;
  readonly #faults: Pick<SourceFaults, 'failed' | 'answered'>;
  /** Why the last check of each failed that has ended. */
  readonly #causes: (string | undefined)[] = [];
  readonly #asking: (Promise<SourceTopic | undefined> | undefined)[] = [];
  #questions = 0;

  constructor(options: {
    sources: readonly KafkaFactory[];
    topic: string;
    pool: SourcePool<SourceTopic>;
    clock: Clock;
    onWeight: (id: number, weight: number) => void;
    faults: Pick<SourceFaults, 'failed' | 'answered'>;
  }) {
    this.#faults = options.faults;
    this.#sources = options.sources;
    this.#topic = options.topic;
    this.#pool = options.pool;
    this.#clock = options.clock;
    this.#onWeight = options.onWeight;
  }

  /** Asks all sources in parallel, each for at most timeoutMs, and reports to the pool. */
  async look(timeoutMs: number): Promise<(SourceTopic | undefined)[]> {
    return Promise.all(this.#sources.map((_, id) => this.#lookAt(id, timeoutMs)));
  }

  /** As look(), but returns as soon as one source answers in a way that `enough` accepts. */
  async lookFor(timeoutMs: number, enough: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const looks = this.#sources.map((_, id) =>
        this.#lookAt(id, timeoutMs).then(() => {
          if (enough()) resolve();
        }),
      );
      Promise.all(looks).then(() => resolve(), reject);
    });
  }

  async #lookAt(id: number, timeoutMs: number): Promise<SourceTopic | undefined> {
    const view = await within(this.#clock, timeoutMs, this.#ask(id));
    if (view) return view;
    this.#report(id, undefined);
    // A wrong password or a name that does not resolve is known later than the time limit, and stays.
    this.#faults.failed(id, this.#causes[id] ?? `no answer within ${Math.round(timeoutMs)} ms`);
    return undefined;
  }

  #report(id: number, view: SourceTopic | undefined): void {
    this.#pool.record(id, view);
    this.#onWeight(id, weightOf(view));
  }

  /** One request at a time for each source: a dead one must not accumulate them. An answer counts however late it comes. */
  #ask(id: number): Promise<SourceTopic | undefined> {
    this.#asking[id] ??= inspectSource(this.#sources[id]!, this.#topic, this.#known(id))
      .then((view) => {
        this.#causes[id] = undefined;
        this.#faults.answered(id);
        this.#report(id, view);
        return view;
      })
      .catch((error: unknown) => {
        if (!isTransient(error)) throw error;
        this.#causes[id] = error.message;
        return undefined;
      })
      .finally(() => {
        this.#asking[id] = undefined;
      });
    return this.#asking[id];
  }

  #known(id: number): SourceTopic | undefined {
    const turn = Math.floor(this.#questions++ / this.#sources.length);
    return turn % countEvery === 0 ? undefined : this.#pool.view(id);
  }
}
