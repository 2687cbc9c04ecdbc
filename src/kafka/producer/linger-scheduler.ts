// The linger scheduler: when records that no caller waits for go to librdkafka. At once while their producer is quiet, together while many are busy.

/** A batch of records of one producer. */
export interface LingeringBatch {
  /** Minimum time between two batches, ms. */
  readonly lingerMs: number;
  /** When the last one left, ms (monotonic). */
  readonly leftAt: number;
  /** Records a ms, as of the last one. */
  readonly rate: number;
  /** It left before it was due: it was full, flushed or given up. */
  readonly isEmpty: boolean;
  /** Sends it. */
  submit(): unknown;
}

/** What each busy producer adds to the others' linger, ms: a request costs broker and librdkafka 200 us of CPU and more, however little it carries. */
const perProducerMs = 3;
/** The full addition applies from this rate on, records a ms of all producers together, and a proportion below: few records leave time for their requests. */
const fullPace = 20;
/** Maximum linger that busy producers cause each other, ms; a producer that sends less often is not busy. */
const mostMs = 100;
/** Maximum linger of a fast producer, ms: 1 ms for each record a ms. A request for every few records would cost more than they do. */
const fastMs = 5;
/** A batch that has waited this share of its time leaves with one that is due: librdkafka and broker are woken once for many requests. */
const alongShare = 0.5;

/**
 * Shared by the producers of one cluster. A producer that was quiet sends its record at once; records that come sooner leave together when
 * their linger is over. The linger grows with the producer's rate, the number of other busy producers, and the rate of all: up to 50 producers at
 * full speed make 300 to 500 requests a second together, with many producers in each wave. A flush, a full batch, a full queue and a close do not
 * wait for it. See docs/decisions/0005.
 */
export class LingerScheduler {
  readonly #now: () => number;
  readonly #processes: number;
  readonly #waiting = new Set<LingeringBatch>();
  #timer: NodeJS.Timeout | undefined;
  /** Number of busy producers and records a ms of all, as of the last batch. */
  #busy = 0;
  #pace = 0;
  #leftAt = 0;

  /**
   * @param options.processes how many processes like this one produce to the cluster: clients spread evenly, so each has its share of a crowd.
   * @param options.now the time, ms (monotonic)
   */
  constructor({
    processes = 1,
    now = () => performance.now(),
  }: { processes?: number | undefined; now?: () => number } = {}) {
    this.#processes = processes;
    this.#now = now;
  }

  /** Whether a batch need not wait. */
  isDue(batch: LingeringBatch): boolean {
    const now = this.#now();
    return this.#hasWaited(batch, now, this.#crowdMs(now));
  }

  /** Sends the batch when it is due. */
  add(batch: LingeringBatch): void {
    this.#waiting.add(batch);
    this.#timer ??= setTimeout(this.#tick, 1);
  }

  /** A batch of `records` records is sent. @returns the time, ms (monotonic). */
  left(batch: LingeringBatch, records: number): number {
    const now = this.#now();
    const kept = this.#keptAt(now);
    // Each busy producer contributes 1 per idle window, split over the batches it sends.
    this.#busy = this.#busy * kept + Math.min(1, (now - batch.leftAt) / mostMs);
    this.#pace = this.#pace * kept + records / mostMs;
    this.#leftAt = now;
    return now;
  }

  /** The decay of the last batch's figures. */
  #keptAt(now: number): number {
    return Math.exp((this.#leftAt - now) / mostMs);
  }

  /** The linger that the other busy producers cause. */
  #crowdMs(now: number): number {
    const kept = this.#keptAt(now);
    // A producer that is alone here counts as alone: other processes may have nothing to send.
    const others = Math.max(0, Math.round(this.#busy * kept) - 1) * this.#processes;
    const pace = this.#pace * kept * this.#processes;
    return Math.min(mostMs, others * perProducerMs * Math.min(1, pace / fullPace));
  }

  /** Whether this share of its linger, and its minimum, is over. */
  #hasWaited(batch: LingeringBatch, now: number, crowdMs: number, share = 1): boolean {
    return now - batch.leftAt >= Math.max(batch.lingerMs, share * Math.max(Math.min(fastMs, batch.rate), crowdMs));
  }

  #isAnyDue(now: number, crowdMs: number): boolean {
    for (const batch of this.#waiting) if (!batch.isEmpty && this.#hasWaited(batch, now, crowdMs)) return true;
    return false;
  }

  readonly #tick = (): void => {
    const now = this.#now();
    const crowdMs = this.#crowdMs(now);
    const share = this.#isAnyDue(now, crowdMs) ? alongShare : 1;
    for (const batch of this.#waiting) {
      if (!batch.isEmpty && !this.#hasWaited(batch, now, crowdMs, share)) continue;
      this.#waiting.delete(batch);
      batch.submit();
    }
    this.#timer = this.#waiting.size > 0 ? this.#timer!.refresh() : undefined;
  };
}
