// Gathering: when records that nobody waits for are handed to librdkafka. At once while their producer is quiet, together while many are busy.

/** A pack of records of one producer. */
export interface Gathered {
  /** Least time between two packs, ms. */
  readonly gatherMs: number;
  /** When the last one left, ms (monotonic). */
  readonly leftAt: number;
  /** Records a ms, as of the last one. */
  readonly rate: number;
  /** It left before it was due: it was full, flushed or given up. */
  readonly isEmpty: boolean;
  /** Hands it over. */
  submit(): unknown;
}

/** What each busy producer adds to the others' time, ms: a request costs broker and librdkafka 200 us of CPU and more, however little is in it. */
const perProducerMs = 3;
/** All of it is added at this pace, records a ms of all producers together, and less below: what few records cost leaves time for their requests. */
const fullPace = 20;
/** The longest that busy producers make each other's records wait, ms; one that sends less often is not busy. */
const mostMs = 100;
/** How long one that produces fast waits, ms: a ms for each record a ms, up to this. A request for every few records would cost more than they do. */
const fastMs = 5;
/** What has waited for this much of its time leaves with a pack that is due: librdkafka and broker are woken once for many requests, not for each. */
const alongShare = 0.5;

/**
 * Shared by the producers of one cluster. A producer whose last pack left a while ago hands its record over at once; what comes sooner leaves
 * together when that while is over. It grows with the pace of the producer, and with the number of other producers that are busy and the pace of
 * all, so that up to 50 that send as fast as they can make 300 to 500 requests a second all together, those of many producers at the same time. A flush, a full pack,
 * a full queue and a close do not wait for it.
 */
export class Gathering {
  readonly #now: () => number;
  readonly #processes: number;
  readonly #waiting = new Set<Gathered>();
  #timer: NodeJS.Timeout | undefined;
  /** How many producers are busy, and records a ms of all, as of the last pack. */
  #busy = 0;
  #pace = 0;
  #leftAt = 0;

  /**
   * @param options.processes how many like this one produce to the cluster: clients spread evenly, so each has that much of a crowd.
   * @param options.now the time, ms (monotonic)
   */
  constructor({
    processes = 1,
    now = () => performance.now(),
  }: { processes?: number | undefined; now?: () => number } = {}) {
    this.#processes = processes;
    this.#now = now;
  }

  /** Whether a pack need not wait. */
  isDue(pack: Gathered): boolean {
    const now = this.#now();
    return this.#hasWaited(pack, now, this.#crowdMs(now));
  }

  /** Hands the pack over when it is due. */
  add(pack: Gathered): void {
    this.#waiting.add(pack);
    this.#timer ??= setTimeout(this.#tick, 1);
  }

  /** A pack of so many records is handed over. @returns the time, ms (monotonic). */
  left(pack: Gathered, records: number): number {
    const now = this.#now();
    const kept = this.#keptAt(now);
    // In the time after which one is quiet each busy producer counts one in all, in as many packs as it sends.
    this.#busy = this.#busy * kept + Math.min(1, (now - pack.leftAt) / mostMs);
    this.#pace = this.#pace * kept + records / mostMs;
    this.#leftAt = now;
    return now;
  }

  /** What is left of the last pack's figures. */
  #keptAt(now: number): number {
    return Math.exp((this.#leftAt - now) / mostMs);
  }

  /** What the other busy producers ask of each. */
  #crowdMs(now: number): number {
    const kept = this.#keptAt(now);
    // Who is alone here is taken to be alone: others may have nothing to send.
    const others = Math.max(0, Math.round(this.#busy * kept) - 1) * this.#processes;
    const pace = this.#pace * kept * this.#processes;
    return Math.min(mostMs, others * perProducerMs * Math.min(1, pace / fullPace));
  }

  /** Whether this share of its time is over, and what it gathers at least. */
  #hasWaited(pack: Gathered, now: number, crowdMs: number, share = 1): boolean {
    return now - pack.leftAt >= Math.max(pack.gatherMs, share * Math.max(Math.min(fastMs, pack.rate), crowdMs));
  }

  #isAnyDue(now: number, crowdMs: number): boolean {
    for (const pack of this.#waiting) if (!pack.isEmpty && this.#hasWaited(pack, now, crowdMs)) return true;
    return false;
  }

  readonly #tick = (): void => {
    const now = this.#now();
    const crowdMs = this.#crowdMs(now);
    const share = this.#isAnyDue(now, crowdMs) ? alongShare : 1;
    for (const pack of this.#waiting) {
      if (!pack.isEmpty && !this.#hasWaited(pack, now, crowdMs, share)) continue;
      this.#waiting.delete(pack);
      pack.submit();
    }
    this.#timer = this.#waiting.size > 0 ? this.#timer!.refresh() : undefined;
  };
}
