// What sessions log. Repeated faults are logged once a minute: a hundred members lose the same broker together.
import { type DeliveryReport, KafkaCode, type KafkaFault, type TopicPartition } from '../ports.js';

/** Where log lines go; core knows no logger. */
export interface LogSink {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const notEnoughReplicas =
  'NOT_ENOUGH_REPLICAS: Kafka stores nothing in a partition with too few in-sync replicas; retrying until messages time out';
const quietMs = 60_000;
/** Beyond this many distinct errors per minute, errors are logged without deduplication. */
const maxRemembered = 1_000;

/** Topics named in one line. */
const mostTopics = 20;

/** The log of all sessions of one cluster. */
export class SessionLog {
  readonly #sink: LogSink;
  readonly #monotonic: () => number;
  readonly #onTrouble: () => void;
  readonly #logged = new Map<string, { at: number; count: number }>();

  /** @param onTrouble is called for each fault of a client: the cluster may be in trouble */
  constructor(sink: LogSink, monotonic: () => number, onTrouble: () => void = () => {}) {
    this.#sink = sink;
    this.#onTrouble = onTrouble;
    this.#monotonic = monotonic;
  }

  assigned(client: string, partitions: readonly TopicPartition[], revoked: number): void {
    const assigned = partitions.map(({ topic, partition }) => `${topic}:${partition}`).join(' ');
    this.#sink.info(
      { client, assigned: clip(assigned), partitions: partitions.length, revoked },
      'partitions assigned',
    );
  }

  closed(client: string, topics: readonly string[]): void {
    this.#sink.info({ client, topics }, 'consumer closed');
  }

  readAheadDropped(client: string, messages: number): void {
    this.#sink.info({ client, messages }, 'read-ahead of revoked partitions dropped: their new owner reads it again');
  }

  missingTopics(client: string, topics: readonly string[]): void {
    this.#sink.warn({ client, topics }, 'a subscribed topic does not exist: waiting for it');
  }

  topicRemade(client: string, topic: string): void {
    this.#sink.warn({ client, topic }, 'a topic was deleted and created again: it is read from its first message');
  }

  consumerFault(client: string, fault: KafkaFault): void {
    this.#onTrouble();
    const seen = this.#sinceTold(`consumer ${fault.code}`);
    if (seen > 0) this.#sink.warn({ client, code: fault.code, reason: fault.message, seen }, 'consumer trouble');
  }

  /** A fault that lasts until an operator fixes its cause: each client's first is logged. */
  consumerRefused(client: string, fault: Pick<KafkaFault, 'code' | 'message'>): void {
    const seen = this.#sinceTold(`refused ${client} ${fault.code}`);
    if (seen > 0) this.#sink.warn({ client, code: fault.code, reason: fault.message, seen }, 'a consumer is refused');
  }

  producerFault(client: string, fault: KafkaFault): void {
    this.#onTrouble();
    const seen = this.#sinceTold(`producer ${fault.code}`);
    if (seen === 0) return;
    if (fault.code === KafkaCode.notEnoughReplicas || fault.code === KafkaCode.notEnoughReplicasAfterAppend)
      this.#sink.warn({ client, code: fault.code, reason: fault.message, seen }, notEnoughReplicas);
    else this.#sink.warn({ client, code: fault.code, reason: fault.message, seen }, 'producer trouble');
  }

  deliveryFailed(client: string, { topic, partition, error }: DeliveryReport): void {
    const seen = this.#sinceTold(`delivery ${topic} ${error?.code}`);
    if (seen === 0) return;
    this.#sink.error({ client, topic, partition, code: error?.code, reason: error?.message, seen }, 'delivery failed');
  }

  /** A connection closes, and these messages of it are not in Kafka. */
  undelivered(client: string, topics: ReadonlyMap<string, number>): void {
    let messages = 0;
    for (const count of topics.values()) messages += count;
    const most = [...topics].toSorted(([, one], [, other]) => other - one).slice(0, mostTopics);
    this.#sink.error(
      { client, messages, topics: Object.fromEntries(most) },
      'connection closed with undelivered messages',
    );
  }

  /** @returns 0 while a fault is suppressed, else how often it was seen since it was logged. */
  #sinceTold(what: string): number {
    const now = this.#monotonic();
    const logged = this.#logged.get(what);
    if (logged && now - logged.at < quietMs) {
      logged.count += 1;
      return 0;
    }
    if (this.#logged.size >= maxRemembered) this.#logged.clear();
    this.#logged.set(what, { at: now, count: 0 });
    return (logged?.count ?? 0) + 1;
  }
}

const clip = (text: string): string => (text.length > 500 ? `${text.slice(0, 500)}...` : text);
