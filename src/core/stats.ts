// Counters and gauges of the whole process. Every metric's name lives here and nowhere else.

/** Rafka's own stats: what HGETALL stats shows (spec: every value an integer). */
export interface StatsSnapshot {
  readonly [name: string]: number;
}

const counters = {
  'producer.unflushed.messages': 'Messages that were still in flight when their producer was closed',
  'producer.delivery.errors': 'Messages that Kafka refused or that timed out',
  'producer.unknown.events': 'Events of the client library that nobody expected',
  'producer.messages': 'Messages queued for Kafka',
  'consumer.messages': 'Messages handed to clients',
  'consumer.acks': 'Acknowledgements taken',
  'consumer.given.up': 'Messages acked by the gateway after too many retries',
  'resp.connections': 'Connections accepted',
  'resp.connections.refused': 'Connections refused (max clients, protected mode)',
  'resp.commands': 'Commands run',
  'resp.protocol.errors': 'Connections closed for a protocol error',
} as const;

export type CounterName = keyof typeof counters;

/** Process-wide counters; one instance, made by app.ts and handed down. */
export class Stats {
  #values = new Map<CounterName, number>(names.map((name) => [name, 0]));

  add(name: CounterName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: CounterName): number {
    return this.#values.get(name) ?? 0;
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
