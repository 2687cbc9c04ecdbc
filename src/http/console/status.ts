// Status: samples the process at intervals, for the header and the overview. Kafka is asked only while somebody looks.
import type { Clock } from '../../core/ports.js';
import { guard, own } from '../../core/promises.js';
import type { Log } from '../../log.js';
import type { ConsoleCluster, Job } from './process.js';
import type { Reading } from './readings.js';

/** Interval of samples, ms. */
const everyMs = 5_000;
/** Samples kept: 10 minutes. */
const most = 120;
/** For so long after a request somebody looks, ms. */
const watchedMs = 60_000;
const hourMs = 3_600_000;
/** Interval of the error counts that are kept for an hour, ms. */
const errorsEveryMs = 60_000;

export interface StatusOptions {
  readonly job: Job;
  readonly version: string;
  readonly clusters: readonly ConsoleCluster[];
  readonly read: () => Promise<Reading>;
  /** As /readyz answers. */
  readonly ready: () => Promise<{ status: number; body: string }>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Sample {
  readonly at: number;
  readonly reading: Reading;
}

/** Messages of a moment; undefined: this process does not count them. */
type Count = (reading: Reading) => number | undefined;

const counter =
  (name: string): Count =>
  (reading) =>
    reading.sum(name);

/** What all listeners together have queued for Kafka, and handed to clients. */
const all = { received: counter('rafka_producer_messages_total'), sent: counter('rafka_consumer_messages_total') };

/** All of them without those of other listeners, which are among them. */
const without =
  (whole: Count, ...others: readonly string[]): Count =>
  (reading) => {
    const count = whole(reading);
    return (
      count &&
      Math.max(
        0,
        others.reduce((left, name) => left - (reading.sum(name) ?? 0), count),
      )
    );
  };

/** One listener's messages: what comes in, and what goes out. */
const listeners: readonly { readonly name: string; readonly received: Count; readonly sent: Count }[] = [
  {
    name: 'resp',
    received: without(all.received, 'rafka_topic_produced_total', 'rafka_ris_published_total'),
    sent: without(all.sent, 'rafka_group_consumed_total'),
  },
  {
    name: 'rest, grpc',
    received: counter('rafka_topic_produced_total'),
    sent: counter('rafka_group_consumed_total'),
  },
  { name: 'ris', received: counter('rafka_ris_received_total'), sent: counter('rafka_ris_published_total') },
];

interface ClusterState {
  readonly name: string;
  readonly embedded: boolean;
  /** null: unknown. */
  readonly kafka: string | null;
  readonly brokersUp: number | null;
  readonly brokers: number | null;
}

export class Status {
  readonly #options: StatusOptions;
  readonly #startedAt: number;
  readonly #samples: Sample[] = [];
  /** Error counts of each minute of the last hour, the oldest first. */
  readonly #errors: { readonly at: number; readonly counts: ReadonlyMap<string, number> }[] = [];
  #clusters: readonly ClusterState[] = [];
  #ready: { isReady: boolean | null; reason: string } = { isReady: null, reason: 'not asked yet' };
  #lookedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #cancel: () => void = () => {};

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#startedAt = options.clock.monotonic();
    this.#clusters = options.clusters.map(({ name, kafka }) => ({
      name,
      embedded: kafka.embedded,
      kafka: null,
      brokersUp: null,
      brokers: null,
    }));
  }

  start(): void {
    own(this.#sample(), (err) => this.#failed(err));
    this.#cancel = this.#options.clock.after(everyMs, () => this.start());
  }

  stop(): void {
    this.#cancel();
  }

  /** The header of every screen; asks Kafka if nobody has looked for a while. */
  async header(): Promise<object> {
    const { clock, job, version } = this.#options;
    const isFirst = clock.monotonic() - this.#lookedAt > watchedMs;
    this.#lookedAt = clock.monotonic();
    if (isFirst) await this.#ask();
    const { received, sent } = this.#totals();
    return {
      name: 'Rafka',
      job,
      version,
      uptimeMs: Math.round(clock.monotonic() - this.#startedAt),
      ready: this.#ready.isReady,
      reason: this.#ready.reason,
      embedded: this.#clusters.some(({ embedded }) => embedded),
      clusters: this.#clusters,
      throughput: { received, sent },
    };
  }

  /** What the overview shows of the process itself. */
  overview(): object {
    const last = this.#samples.at(-1)?.reading;
    const number = (value: number | undefined): number | null => value ?? null;
    return {
      listeners: listeners
        .map(({ name, received, sent }) => ({ name, received: this.#rates(received), sent: this.#rates(sent) }))
        .filter(({ received, sent }) => received.total > 0 || sent.total > 0),
      clients: number(last?.sum('rafka_resp_clients')),
      connectionsAccepted: number(last?.sum('rafka_resp_connections_total')),
      eventLoopLagMs: inMs(last?.max('nodejs_eventloop_lag_p99_seconds')),
      memoryBytes: number(last?.sum('process_resident_memory_bytes')),
      heapBytes: number(last?.sum('nodejs_heap_size_used_bytes')),
      errors: this.#lastHour(),
    };
  }

  /** The metrics as they were sampled last; undefined before the first sample. */
  get reading(): Reading | undefined {
    return this.#samples.at(-1)?.reading;
  }

  /** Increase a second between the samples, by labels (joined by a space). */
  ratesBy(
    name: string,
    labels: readonly string[],
  ): ReadonlyMap<string, { total: number; perSecond: number | null; history: number[] }> {
    const sums = this.#samples.map(({ reading }) => sumsBy(reading, name, labels));
    return new Map(
      [...(sums.at(-1) ?? [])].map(([key, total]) => {
        const history = sums.slice(1).map((now, index) => {
          const seconds = (this.#samples[index + 1]!.at - this.#samples[index]!.at) / 1000;
          return Math.max(0, Math.round((((now.get(key) ?? 0) - (sums[index]!.get(key) ?? 0)) / seconds) * 10) / 10);
        });
        return [key, { total, perSecond: history.at(-1) ?? null, history }];
      }),
    );
  }

  /** Messages per second between the samples; null: unknown. */
  #rates(count: Count): { total: number; perSecond: number | null; history: number[] } {
    const counts = this.#samples.flatMap(({ at, reading }) => {
      const messages = count(reading);
      return messages === undefined ? [] : [{ at, messages }];
    });
    const history = counts.slice(1).map(({ at, messages }, index) => {
      const before = counts[index]!;
      return Math.max(0, Math.round(((messages - before.messages) / (at - before.at)) * 10_000) / 10);
    });
    return { total: counts.at(-1)?.messages ?? 0, perSecond: history.at(-1) ?? null, history };
  }

  #totals(): Record<'received' | 'sent', { perSecond: number | null; history: number[] }> {
    const of = (count: Count) => {
      const { perSecond, history } = this.#rates(count);
      return { perSecond, history };
    };
    return { received: of(all.received), sent: of(all.sent) };
  }

  /** Errors of the last hour by listener and code, the most frequent first. */
  #lastHour(): { listener: string; code: string; count: number }[] {
    const now = errorCounts(this.#samples.at(-1)?.reading);
    const before = this.#errors[0]?.counts ?? new Map<string, number>();
    return [...now]
      .map(([key, count]) => {
        const [listener = '', code = ''] = key.split(' ');
        return { listener, code, count: count - (before.get(key) ?? 0) };
      })
      .filter(({ count }) => count > 0)
      .sort((one, other) => other.count - one.count);
  }

  async #sample(): Promise<void> {
    const at = this.#options.clock.monotonic();
    const reading = await this.#options.read();
    this.#samples.push({ at, reading });
    if (this.#samples.length > most) this.#samples.shift();
    const last = this.#errors.at(-1);
    // The first counts are those of the start: nothing has failed yet.
    if (!last || at - last.at >= errorsEveryMs)
      this.#errors.push({ at, counts: last ? errorCounts(reading) : new Map() });
    while (this.#errors.length > 1 && at - this.#errors[1]!.at >= hourMs) this.#errors.shift();
    if (at - this.#lookedAt <= watchedMs) await this.#ask();
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askAll(): Promise<void> {
    const [ready, clusters] = await Promise.all([
      this.#options.ready(),
      Promise.all(this.#options.clusters.map(stateOf)),
    ]);
    this.#ready = { isReady: ready.status === 200, reason: ready.body.trim() };
    this.#clusters = clusters;
  }

  #failed(err: unknown): void {
    guard(
      () => this.#options.log.debug({ err }, 'a sample for the console failed'),
      () => {},
    );
  }
}

function sumsBy(reading: Reading, name: string, labels: readonly string[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { labels: own, value } of reading.values(name)) {
    const key = labels.map((label) => String(own[label] ?? '')).join(' ');
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

async function stateOf({ name, kafka }: ConsoleCluster): Promise<ClusterState> {
  const [release, brokers] = await Promise.all([
    kafka.admin.release().catch(() => undefined),
    kafka.admin.brokers().catch(() => undefined),
  ]);
  return {
    name,
    embedded: kafka.embedded,
    kafka: release ?? null,
    brokersUp: brokers?.filter(({ isUp }) => isUp).length ?? null,
    brokers: brokers?.length ?? null,
  };
}

function errorCounts(reading: Reading | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { labels, value } of reading?.values('rafka_errors_total') ?? []) {
    const key = `${labels.listener} ${labels.code}`;
    counts.set(key, (counts.get(key) ?? 0) + value);
  }
  return counts;
}

const inMs = (seconds: number | undefined): number | null =>
  seconds === undefined || Number.isNaN(seconds) ? null : Math.round(seconds * 10_000) / 10;
