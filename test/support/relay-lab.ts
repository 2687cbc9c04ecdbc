// For the relay's tests: a configuration as its users have it, a relay on given clusters, and access to what it wrote.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { parse } from 'smol-toml';
import { relayOps } from '../../src/app/console.js';
import type { Clock, Header, KafkaFactory, Message, ProducerRecord } from '../../src/core/ports.js';
import { type RelayConfig, type RelayFlags, resolveRelayConfig } from '../../src/relay/config/config.js';
import { merge } from '../../src/relay/config/config-files.js';
import { Relay, type RelayOutcome } from '../../src/relay/relay.js';
import { realClock } from './clock.js';

type Table = Record<string, unknown>;

const root = join(import.meta.dirname, '../../..');

/** kaf-relay's own sample (test/support/kaf-relay.toml) with fast reactions; `over` overrides it key by key. */
export async function relayConfig(over: Table = {}, flags: RelayFlags = {}): Promise<RelayConfig> {
  const sample = parse(await readFile(join(root, 'test/support/kaf-relay.toml'), 'utf8'));
  return resolveRelayConfig({ ...merge(merge(sample, quick), over), topics: over.topics ?? { a: 'b' } }, flags);
}

const backoff = { backoff_enable: true, backoff_min: '50ms', backoff_max: '300ms' };
const quick: Table = {
  app: { metrics_server_addr: '127.0.0.1:0' },
  source_pool: { healthcheck_interval: '200ms', request_timeout: '500ms', ...backoff },
  target: backoff,
};

export interface Lab {
  readonly sources: readonly KafkaFactory[];
  readonly target: KafkaFactory;
}

export interface Started {
  readonly relay: Relay;
  /** Log lines so far. */
  readonly lines: readonly Record<string, unknown>[];
  metrics(): Promise<string>;
  /** Ends it as a signal would. @returns messages that were not delivered */
  stop(): Promise<number>;
}

/** Starts a relay on the clusters of a lab, which stay open when it ends. Sources in the configuration are names only. */
export async function startRelay(
  lab: Lab,
  config: RelayConfig,
  options: { clock?: Clock; terminal?: { columns: number; write(text: string): unknown } } = {},
): Promise<Started> {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const factories = [lab.target, ...lab.sources];
  const server = config.sources[0]!;
  const relay = new Relay({
    config: { ...config, sources: lab.sources.map(() => server) },
    createKafka: async () => keptOpen(factories.shift()!),
    clock: options.clock ?? realClock,
    ops: relayOps({ clock: realClock, log }),
    log,
    ...(options.terminal ? { terminal: options.terminal } : {}),
  });
  await relay.start();
  return {
    relay,
    lines,
    metrics: async () => (await fetch(`http://127.0.0.1:${relay.metricsPort}/metrics`)).text(),
    stop: () => relay.close(),
  };
}

/** Its result; its log if it does not end. */
export async function ended({ relay, lines }: Started, timeoutMs = 60_000): Promise<RelayOutcome> {
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new Error(
            `not ended: ${lines
              .slice(-12)
              .map((line) => JSON.stringify(line))
              .join('\n')}`,
          ),
        ),
      timeoutMs,
    );
    void relay.finished.then(() => clearTimeout(timer));
  });
  return Promise.race([relay.finished, late]);
}

/** The factory itself, except for closing it: a lab outlives its relays. */
function keptOpen(kafka: KafkaFactory): KafkaFactory {
  return {
    brokers: kafka.brokers,
    embedded: kafka.embedded,
    maxMessageBytes: kafka.maxMessageBytes,
    admin: kafka.admin,
    producer: (options, timeoutMs) => kafka.producer(options, timeoutMs),
    consumer: (options, timeoutMs) => kafka.consumer(options, timeoutMs),
    close: async () => {},
  };
}

/** Delivers records. */
export async function fill(kafka: KafkaFactory, records: Iterable<ProducerRecord>): Promise<void> {
  const failed: unknown[] = [];
  const producer = await kafka.producer(
    { reports: 'errors', onReport: (report) => failed.push(report.error), properties: { 'linger.ms': 5 } },
    10_000,
  );
  try {
    for (const record of records) producer.produce(record);
    if (!(await producer.flush(30_000)) || failed.length > 0)
      throw new Error(`not delivered: ${JSON.stringify(failed[0])}`);
  } finally {
    await producer.close(5_000);
  }
}

/** `count` records with the values `<prefix><n>`, spread over the partitions in turn. */
export function* numbered(
  topic: string,
  count: number,
  options: { partitions?: number; prefix?: string; from?: number } = {},
): Generator<ProducerRecord> {
  const { partitions = 1, prefix = 'value', from = 0 } = options;
  for (let n = from; n < from + count; n++) {
    yield { topic, partition: n % partitions, key: Buffer.from(`key${n}`), value: Buffer.from(`${prefix}${n}`) };
  }
}

/** Everything committed in a topic, in offset order within each partition, by partition. */
export async function readAll(kafka: KafkaFactory, topic: string, isolation = 'read_committed'): Promise<Message[][]> {
  const [found] = await kafka.admin.topics([topic]);
  const count = found?.partitions.length ?? 0;
  const highs = await kafka.admin.watermarks(Array.from({ length: count }, (_, partition) => ({ topic, partition })));
  const open = new Set(highs.filter(({ low, high }) => high > low).map(({ partition }) => partition));
  const messages: Message[][] = Array.from({ length: count }, () => []);
  const consumer = await kafka.consumer(
    {
      properties: { 'isolation.level': isolation, 'auto.offset.reset': 'earliest', 'fetch.queue.backoff.ms': 5 },
      onEnd: ({ partition, offset }) => {
        if (offset >= (highs.find((mark) => mark.partition === partition)?.high ?? 0)) open.delete(partition);
      },
    },
    10_000,
  );
  try {
    if (count > 0) consumer.assign(highs.map(({ partition, low }) => ({ topic, partition, offset: low })));
    for (const deadline = Date.now() + 120_000; open.size > 0; ) {
      if (Date.now() > deadline) throw new Error(`${topic} cannot be read to its end`);
      for (const message of await consumer.poll(1_000, 100)) messages[message.partition]?.push(message);
    }
  } finally {
    await consumer.close(5_000);
  }
  return messages;
}

export const valuesOf = (messages: readonly Message[][]): string[] =>
  messages.flat().map(({ value }) => value?.toString() ?? '<null>');

export const headerText = (headers: readonly Header[], key: string): string | undefined =>
  headers.find((header) => header.key === key)?.value?.toString();

/** Waits until the condition holds (a failed question counts as no); says what it was waiting for if it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  let trouble: unknown = '';
  for (const deadline = Date.now() + timeoutMs; ; ) {
    try {
      if (await holds()) return;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what} ${String(trouble)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The value of a metric's line; undefined if it is absent. */
export function metric(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (found?.[1] !== name) continue;
    if (Object.entries(labels).every(([key, value]) => found[2]?.includes(`${key}="${value}"`)))
      return Number(found[3]);
  }
  return undefined;
}
