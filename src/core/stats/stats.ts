// Counters and gauges of the whole process. Every metric's name lives here and nowhere else.
import { LabelledCounter, LatencyHistogram } from './labelled-stats.js';

/** Rafka's own stats: what HGETALL stats shows (spec: every value an integer). */
export interface StatsSnapshot {
  readonly [name: string]: number;
}

const counters = {
  'producer.unflushed.messages': 'Messages that were still in flight when their producer was closed',
  'producer.delivery.errors': 'Messages that Kafka refused or that timed out',
  'producer.unknown.events': 'Unexpected events of librdkafka',
  'producer.messages': 'Messages queued for Kafka',
  'consumer.messages': 'Messages handed to clients',
  'consumer.acks': 'Acknowledgements accepted',
  'consumer.given.up': 'Messages acked by the gateway after too many retries',
  'transactions.committed': 'Transactions of EXEC committed',
  'transactions.failed': 'Transactions of EXEC that Kafka refused or that did not end in time',
  'streams.dead.letters': 'Stream entries moved to the dead letters after too many deliveries',
  'resp.connections': 'Connections accepted',
  'resp.connections.refused': 'Connections refused (max clients, protected mode)',
  'resp.commands': 'Commands run',
  'resp.protocol.errors': 'Connections closed for a protocol error',
  'access.logins.failed': 'Logins with an unknown name or a wrong password',
  'access.denied': 'Commands and requests refused for lack of rights',
} as const;

/** Counters with labels, for /metrics only; the labels in their order. */
const labelled = {
  errors: {
    help: 'Refusals and failures answered to clients, by the code of docs/ERRORS.md',
    labels: ['listener', 'code'],
  },
  'http.requests': { help: 'HTTP requests answered', labels: ['route', 'status'] },
  'grpc.requests': { help: 'gRPC calls answered', labels: ['method', 'status'] },
  'topic.produced': { help: 'Records accepted from REST and gRPC clients', labels: ['cluster', 'topic'] },
  'group.consumed': { help: 'Messages offered to REST and gRPC clients', labels: ['cluster', 'group', 'topic'] },
  'group.acked': { help: 'Messages acked by REST and gRPC clients', labels: ['cluster', 'group', 'topic'] },
  'ris.received': { help: 'RIS messages received', labels: ['host'] },
  'ris.malformed': { help: 'Lines of RIS Live skipped', labels: ['host', 'reason'] },
  'ris.json.odd': { help: 'RIS messages published from raw, with an unusable JSON', labels: ['host', 'reason'] },
  'ris.duplicates': { help: 'RIS messages received again and dropped by their id', labels: ['host'] },
  'ris.late': { help: 'RIS messages that arrived later than the reorder window', labels: ['host'] },
  'ris.ahead': { help: 'RIS messages dated ahead of the clock', labels: ['host'] },
  'ris.published': { help: 'RIS messages committed to Kafka', labels: ['host'] },
  'ris.records': { help: 'BMP records committed to Kafka', labels: ['host'] },
  'ris.encoded': { help: 'BMP output of the leader, by kind', labels: ['host', 'what'] },
  'ris.skipped': { help: 'RIS messages skipped because another leader had published them', labels: ['host'] },
  'ris.dropped': { help: 'RIS messages dropped because the buffer was full', labels: ['host'] },
  'ris.refused': { help: 'BMP records that Kafka refuses for good, by reason', labels: ['host', 'reason'] },
  'ris.holes': { help: 'Holes marked by Peer Down', labels: ['host'] },
  'ris.gaps': { help: 'Gaps: times without a socket that received everything', labels: ['host'] },
  'ris.disconnects': { help: 'Sockets to RIS Live that ended', labels: ['host'] },
  'ris.errors': { help: 'ris_error messages of RIS Live', labels: ['host'] },
  'ris.terms': { help: 'Times that this replica took the lead', labels: ['host'] },
  'ris.terms.failed': { help: 'Terms as leader that ended with an error', labels: ['host'] },
  'ris.stepdowns': {
    help: 'Times that this replica gave up leadership because of a gap in its feed',
    labels: ['host'],
  },
  'ris.commits': { help: 'Transactions committed', labels: ['host'] },
  'ris.redis.errors': { help: 'Requests that Redis did not answer', labels: ['host'] },
} as const;

/** Current values with labels, for /metrics only; read on request. */
const gauges = {
  'resp.clients': { help: 'Open connections of Redis clients', labels: [] },
  'ris.connected': { help: '1 while there is a feed from RIS Live', labels: ['host'] },
  'ris.leader': { help: '1 on the replica that publishes', labels: ['host'] },
  'ris.lag.ms': { help: "How far the leader's last commit is behind the clock, ms", labels: ['host'] },
  'ris.backlog': { help: 'RIS messages received and not yet known to be in Kafka', labels: ['host'] },
  'ris.backlog.bytes': { help: 'Memory of these messages, bytes', labels: ['host'] },
  'ris.peers.up': { help: 'Peers whose session is up, as published by the leader', labels: ['host'] },
} as const;

/** Latency histograms, for /metrics only, by listener. */
const latencies = {
  'produce.seconds': 'Duration of produce requests that wait for Kafka',
  'consume.seconds': 'Duration of consume requests that got a message',
} as const;

export type CounterName = keyof typeof counters;
export type LabelledName = keyof typeof labelled;
export type GaugeName = keyof typeof gauges;
export type LatencyName = keyof typeof latencies;

/** Each set of labels with its value. */
export type GaugeReading = Iterable<readonly [values: readonly string[], value: number]>;

/** Process-wide counters; one instance, created by app/ and passed down. */
export class Stats {
  #values = new Map<CounterName, number>(names.map((name) => [name, 0]));

  readonly #labelled = new Map<LabelledName, LabelledCounter>();
  readonly #gauges = new Map<GaugeName, () => GaugeReading>();
  readonly #latencies = new Map<string, LatencyHistogram>();

  add(name: CounterName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
  }

  /** Counts under labels; beyond a limit on their number, under `other`. */
  count(name: LabelledName, ...values: readonly string[]): void {
    this.labelled(name).add(values);
  }

  labelled(name: LabelledName): LabelledCounter {
    let found = this.#labelled.get(name);
    if (!found) {
      found = new LabelledCounter(labelled[name].labels.length);
      this.#labelled.set(name, found);
    }
    return found;
  }

  /** Sets how a gauge is read; the last call wins. */
  watch(name: GaugeName, read: () => GaugeReading): void {
    this.#gauges.set(name, read);
  }

  /** A gauge's values now; none if no reader was set. */
  gauge(name: GaugeName): GaugeReading {
    return this.#gauges.get(name)?.() ?? [];
  }

  /** The histogram of one listener: keep it, and observe() each request's duration. */
  latency(name: LatencyName, listener: string): LatencyHistogram {
    const key = `${name} ${listener}`;
    let found = this.#latencies.get(key);
    if (!found) {
      found = new LatencyHistogram();
      this.#latencies.set(key, found);
    }
    return found;
  }

  *latencyEntries(name: LatencyName): Iterable<readonly [listener: string, histogram: LatencyHistogram]> {
    for (const [key, histogram] of this.#latencies) {
      const [of, listener] = key.split(' ');
      if (of === name) yield [listener!, histogram];
    }
  }

  snapshot(): StatsSnapshot {
    return Object.fromEntries(this.#values);
  }

  reset(): void {
    for (const name of names) this.#values.set(name, 0);
  }
}

const names = Object.keys(counters) as CounterName[];

/** Name and meaning of every counter, for /metrics and the docs. */
export const counterHelp: Readonly<Record<CounterName, string>> = counters;

export const labelledHelp: Readonly<Record<LabelledName, { help: string; labels: readonly string[] }>> = labelled;
export const gaugeHelp: Readonly<Record<GaugeName, { help: string; labels: readonly string[] }>> = gauges;
export const latencyHelp: Readonly<Record<LatencyName, string>> = latencies;
