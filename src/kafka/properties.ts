// librdkafka properties: merging the sections of a config file, our defaults, and the split into global and topic level.
import { KafkaCode, type Properties } from '../core/ports.js';
import type { Log } from '../log.js';
import type { Credentials } from './credentials.js';
import { refuse } from './fault.js';

/** One source of properties; the name is what an error message says. Later sections win. */
export interface Section {
  readonly name: string;
  readonly properties: Properties;
}

/** Arguments of the binding's constructors, and the origin of each key. */
export interface ClientProperties {
  /** How it logs in, where that may change while it is open. */
  readonly credentials?: Credentials;
  readonly global: Record<string, string>;
  readonly topic: Record<string, string>;
  readonly sectionOf: ReadonlyMap<string, string>;
}

/**
 * librdkafka's topic-level properties (CONFIGURATION.md). The binding sets a topic configuration of its own, so that these are
 * silently dropped among the global ones. Keys of both levels (compression.codec and .type,
 * enable.auto.commit, auto.commit.interval.ms, offset.store.method) are global ones here: the topic level inherits or is the legacy consumer's.
 */
export const topicLevelKeys: ReadonlySet<string> = new Set([
  'request.required.acks',
  'acks',
  'request.timeout.ms',
  'message.timeout.ms',
  'delivery.timeout.ms',
  'queuing.strategy',
  'produce.offset.report',
  'partitioner',
  'compression.level',
  'auto.commit.enable',
  'auto.offset.reset',
  'offset.store.path',
  'offset.store.sync.interval.ms',
  'consume.callback.max.messages',
]);

const ours = 'default';

/**
 * Limits of what librdkafka reads ahead (its default is 64 MB a consumer), and a short pause when they are reached:
 * with the default of 1 s a full queue halves the throughput. New topics and partitions are found within ten seconds, with
 * the group's rebalance, not in five minutes: it asks for the topics that it reads.
 */
const consumerDefaults: Properties = {
  'topic.metadata.refresh.interval.ms': 5_000,
  'enable.auto.commit': true,
  'enable.auto.offset.store': false,
  'auto.commit.interval.ms': 1000,
  'queued.min.messages': 10_000,
  'queued.max.messages.kbytes': 8192,
  'fetch.queue.backoff.ms': 5,
};

/** Omits keys of the Go client (`go.*`), with one log line. */
export function withoutGoKeys(section: Section, log: Log): Section {
  const go = Object.keys(section.properties).filter((key) => key.startsWith('go.'));
  if (go.length === 0) return section;
  log.warn({ section: section.name, keys: go }, 'properties of the Go client are skipped');
  const kept = Object.entries(section.properties).filter(([key]) => !key.startsWith('go.'));
  return { name: section.name, properties: Object.fromEntries(kept) };
}

/** Properties of a consumer: our defaults below the given sections. */
export function consumerProperties(sections: readonly Section[]): ClientProperties {
  return split([{ name: ours, properties: consumerDefaults }, ...sections]);
}

/**
 * Properties of a producer: idempotent unless the sections say otherwise or ask for something that idempotence forbids.
 */
export function producerProperties(sections: readonly Section[]): ClientProperties {
  const merged = split(sections);
  if (merged.sectionOf.has('enable.idempotence') || merged.sectionOf.has('transactional.id')) return merged;
  const obstacle = idempotenceObstacle({ ...merged.global, ...merged.topic });
  return split([{ name: ours, properties: { 'enable.idempotence': !obstacle } }, ...sections]);
}

/** Properties of a client that only sends requests: producing settings do not matter, and an idempotent producer would register itself. */
export function adminProperties(sections: readonly Section[]): ClientProperties {
  const { global, sectionOf } = split(sections);
  const { 'transactional.id': _, ...rest } = global;
  // How long coordinators are cached, also when they are gone.
  const short = { 'metadata.max.age.ms': '1000' };
  return { global: { ...rest, ...short, 'enable.idempotence': 'false' }, topic: {}, sectionOf };
}

/** Whether a producer with these properties is idempotent: it needs brokers of 0.11. @param global as librdkafka gets them */
export const isIdempotent = (global: Readonly<Record<string, unknown>>): boolean =>
  String(global['enable.idempotence']) === 'true' || global['transactional.id'] !== undefined;

/** The property of these sections that excludes idempotence unless it is set; undefined if there is none. */
export function whyNotIdempotent(sections: readonly Section[]): string | undefined {
  const { global, topic, sectionOf } = split(sections);
  if (sectionOf.has('enable.idempotence') || sectionOf.has('transactional.id')) return undefined;
  return idempotenceObstacle({ ...global, ...topic });
}

/** librdkafka would refuse the combination. */
function idempotenceObstacle(properties: Record<string, string>): string | undefined {
  const forbidden: Record<string, (value: string) => boolean> = {
    acks: (value) => value !== 'all' && value !== '-1',
    'request.required.acks': (value) => value !== 'all' && value !== '-1',
    'max.in.flight': (value) => Number(value) > 5,
    'max.in.flight.requests.per.connection': (value) => Number(value) > 5,
    retries: (value) => Number(value) < 1,
    'message.send.max.retries': (value) => Number(value) < 1,
    'queuing.strategy': (value) => value !== 'fifo',
  };
  return Object.keys(forbidden).find((key) => key in properties && forbidden[key]?.(properties[key] ?? ''));
}

function split(sections: readonly Section[]): ClientProperties {
  const global: Record<string, string> = {};
  const topic: Record<string, string> = {};
  const sectionOf = new Map<string, string>();
  for (const section of sections) {
    for (const [key, value] of Object.entries(section.properties)) {
      checkText(section.name, key, value);
      const level = topicLevelKeys.has(key) ? topic : global;
      // Set last, so that it also overrides an alias of an earlier section.
      delete level[key];
      level[key] = String(value);
      sectionOf.set(key, section.name);
    }
  }
  return { global, topic, sectionOf };
}

/** For librdkafka a NUL ends a key or a value, which would then differ from what was checked. @throws KafkaError */
function checkText(section: string, key: string, value: string | number | boolean): void {
  if (!key.includes('\0') && !(typeof value === 'string' && value.includes('\0'))) return;
  throw refuse(KafkaCode.invalidArgument, `${section}: ${JSON.stringify(key)} holds a NUL character`);
}

/** librdkafka reports these by the first name, even if the second was used. */
const aliases: Readonly<Record<string, string>> = {
  'metadata.broker.list': 'bootstrap.servers',
  'max.in.flight.requests.per.connection': 'max.in.flight',
  'sasl.mechanisms': 'sasl.mechanism',
  'queue.buffering.max.ms': 'linger.ms',
  'message.send.max.retries': 'retries',
  'compression.codec': 'compression.type',
  'request.required.acks': 'acks',
  'message.timeout.ms': 'delivery.timeout.ms',
  'fetch.message.max.bytes': 'max.partition.fetch.bytes',
};

/**
 * librdkafka's error, prefixed with the section of the key in question. librdkafka quotes the key,
 * with double quotes or backticks.
 */
export function complaint(text: string, sectionOf: ReadonlyMap<string, string>): string {
  for (const [, quoted = ''] of text.matchAll(/["`]([^"`=]+)/g)) {
    const section = sectionOf.get(quoted);
    if (section !== undefined) return `${section}: ${text}`;
    const alias = aliases[quoted];
    if (alias !== undefined && sectionOf.has(alias)) return `${sectionOf.get(alias)}: ${alias}: ${text}`;
  }
  return text;
}
