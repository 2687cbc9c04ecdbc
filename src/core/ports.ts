// What the gateway needs from Kafka: the types that kafka/ (and the tests' in-memory fake) implement.

/** librdkafka configuration properties, general and topic level mixed as users write them. */
export type Properties = Readonly<Record<string, string | number | boolean>>;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  /** The next offset to read, or one of {@link OFFSET_BEGINNING}, {@link OFFSET_END}, {@link OFFSET_NONE}. */
  readonly offset: number;
}

/** librdkafka's logical offsets. */
export const OFFSET_BEGINNING = -2;
export const OFFSET_END = -1;
/** No committed offset (RD_KAFKA_OFFSET_INVALID). */
export const OFFSET_NONE = -1001;

/** One record header. Order and repeats are kept; values are any bytes, and null differs from empty. */
export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to produce. */
export interface ProducerRecord {
  readonly topic: string;
  /** Absent: the producer's partitioner chooses. */
  readonly partition?: number;
  /** null: no key. Null differs from empty, for key and value. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly Header[];
  /** Milliseconds since the epoch; absent: the time of producing. */
  readonly timestamp?: number;
}

/** A message that came from Kafka. */
export interface Message extends TopicPartition {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  /** Milliseconds since the epoch; -1 when the record has none. */
  readonly timestamp: number;
}

/** The result of one produced record. */
export interface DeliveryReport extends TopicPartition {
  /** -1 when delivery failed. */
  readonly offset: number;
  /** Milliseconds since the epoch as Kafka stored it; -1 when unknown. */
  readonly timestamp: number;
  /** Absent: delivered (acks as configured). */
  readonly error?: KafkaFault;
}

/** A librdkafka error in core's terms. `code` is librdkafka's number (negative: local, positive: broker). */
export interface KafkaFault {
  readonly code: number;
  readonly message: string;
  readonly fatal: boolean;
  readonly retriable: boolean;
  /** The transaction must be aborted (transactional producers only). */
  readonly abortable: boolean;
}

/** Thrown by every port operation that Kafka or librdkafka refused. Errors are translated only in kafka/client.ts. */
export class KafkaError extends Error implements KafkaFault {
  readonly code: number;
  readonly fatal: boolean;
  readonly retriable: boolean;
  readonly abortable: boolean;

  constructor(fault: KafkaFault, options?: ErrorOptions) {
    super(fault.message, options);
    this.name = 'KafkaError';
    this.code = fault.code;
    this.fatal = fault.fatal;
    this.retriable = fault.retriable;
    this.abortable = fault.abortable;
  }
}

/** The librdkafka error codes that core and the listeners distinguish. */
export const KafkaCode = {
  fail: -196,
  transport: -195,
  destroy: -197,
  resolve: -193,
  messageTimedOut: -192,
  unknownPartition: -190,
  allBrokersDown: -187,
  timedOut: -185,
  queueFull: -184,
  invalidArgument: -186,
  unknownGroup: -179,
  state: -172,
  unknownTopicLocal: -188,
  purgeQueue: -152,
  purgeInflight: -151,
  fatal: -150,
  unsupportedFeature: -165,
  fenced: -144,
  brokerReplaced: -137,
  maxPollExceeded: -147,
  noEntry: -156,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  messageTooLarge: 10,
  invalidTopic: 17,
  recordListTooLarge: 18,
  invalidTimestamp: 32,
  topicExists: 36,
  policyViolation: 44,
  invalidProducerEpoch: 47,
  invalidRecord: 87,
  producerFenced: 90,
  topicAuthorizationFailed: 29,
  clusterAuthorizationFailed: 31,
  transactionalIdAuthorizationFailed: 53,
  offsetOutOfRange: 1,
} as const;

/** Whether a fault means that a topic does not exist, reported by the broker or by the client itself. */
export function isMissingTopic({ code }: KafkaFault): boolean {
  return code === KafkaCode.unknownTopicOrPartition || code === KafkaCode.unknownTopicLocal;
}

/** Whether a fault means that no broker answered: a retry may succeed. */
export function isUnreachable({ code }: KafkaFault): boolean {
  return (
    code === KafkaCode.transport ||
    code === KafkaCode.timedOut ||
    code === KafkaCode.allBrokersDown ||
    code === KafkaCode.resolve ||
    code === KafkaCode.fail
  );
}

const fencedCodes: ReadonlySet<number> = new Set([
  KafkaCode.fenced,
  KafkaCode.invalidProducerEpoch,
  KafkaCode.producerFenced,
]);

/** Whether a producer was fenced by another with its transactional id, reported by the broker or by the client itself. */
export const isFenced = (error: unknown): boolean => error instanceof KafkaError && fencedCodes.has(error.code);

/** For a topic that is listed: a broker that does not know it, or its leader, yet will soon. */
export const isPassing = (fault: KafkaFault): boolean =>
  fault.retriable || isMissingTopic(fault) || fault.code === KafkaCode.unknownPartition;

/**
 * `all`: every record's result is reported; `errors`: only failures are, which makes producing 2.7 times as cheap
 * (no tag may be passed then).
 */
export type ReportMode = 'all' | 'errors';

export interface ProducerOptions {
  readonly reports: ReportMode;
  /** Override the cluster's producer section. */
  readonly properties?: Properties;
  /**
   * Minimum linger of records without a tag, which no caller waits for, ms; more while the producer is fast or many producers are busy.
   * A record that comes sooner waits. Absent or 0: no linger. See docs/decisions/0005.
   */
  readonly lingerMs?: number;
  /** Called for each report of the chosen kind, with the tag given to produce(). */
  readonly onReport: (report: DeliveryReport, tag: unknown) => void;
  /** A fault of the client itself: brokers unreachable (not fatal) or an idempotence error (fatal: the producer is unusable). */
  readonly onFault?: (fault: KafkaFault) => void;
}

/** A connected producer. Its opener closes it. */
export interface Producer {
  /**
   * Adds one record to the client's queue; synchronous. Key, value and headers are copied.
   * @throws KafkaError for an immediate refusal; code {@link KafkaCode.queueFull} if the queue is full.
   */
  produce(record: ProducerRecord, tag?: unknown): void;
  /**
   * Waits until nothing is in flight and every report was passed to onReport.
   * @returns true then; false after timeoutMs.
   */
  flush(timeoutMs: number): Promise<boolean>;
  /** Records that are not delivered yet, or whose reports are not passed on yet: an upper bound. */
  readonly pending: number;
  /**
   * Gives up undelivered records; each is reported as failed before this settles.
   * @returns false if that is not possible: they stay queued.
   */
  purge(): Promise<boolean>;
  /** Closes; waits for records in flight for at most timeoutMs. Never rejects. */
  close(timeoutMs: number): Promise<void>;

  /** Transactional producers only (`transactional.id` in the properties). All throw KafkaError; see `fatal` and `abortable`. */
  initTransactions(timeoutMs: number): Promise<void>;
  beginTransaction(): Promise<void>;
  commitTransaction(timeoutMs: number): Promise<void>;
  abortTransaction(timeoutMs: number): Promise<void>;
  /**
   * A group's positions become a part of the transaction.
   * @param member Consumer.groupMetadata(): refused when that member's generation is over
   */
  sendOffsets(positions: readonly MovedPosition[], member: Buffer, timeoutMs: number): Promise<void>;
}

export interface ConsumerOptions {
  /** Absent: a consumer without a group, for assign() only. */
  readonly groupId?: string;
  readonly clientId?: string;
  /** Override the cluster's consumer section. */
  readonly properties?: Properties;
  /** Every error that does not answer a call: transport errors, a missing topic, a fatal one. */
  readonly onFault?: (fault: KafkaFault) => void;
  /**
   * If given, called when everything a partition holds now has been read (with read_committed: everything committed).
   * `position` is the next offset, past markers and gaps; called before the poll() that saw it settles.
   */
  readonly onEnd?: (position: TopicPartitionOffset) => void;
  /**
   * Takes part in the group's rebalances (eager assignors only). Its owner must poll all the time, also without
   * space for messages (pause() then): the whole group waits for a member that does not.
   */
  readonly rebalance?: Rebalance;
}

/**
 * A member's part in a rebalance; if absent, the client assigns and revokes by itself. The group waits for both calls, so
 * they must settle soon. A rejection is passed to onFault and counts as an empty answer.
 */
export interface Rebalance {
  /** @returns where to start reading; an omitted partition starts at the group's committed offset. */
  assigned(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]>;
  /**
   * Until it settles the partitions are still assigned, and commit() works; also called by close().
   * `lost`: another member has them already, and commits will be refused.
   */
  revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
}

/** A connected consumer. Its opener closes it. */
export interface Consumer {
  /** Where its group begins in partitions without a commit (auto.offset.reset). */
  readonly startPolicy: 'earliest' | 'latest' | 'error';
  /** Joins the group for these topics (replaces an earlier subscription). */
  subscribe(topics: readonly string[]): void;
  /** Refreshes the metadata: a subscribed topic that was created since is joined. Asks for all topics. */
  refreshTopics(timeoutMs: number): Promise<void>;
  /** Reads these partitions from these offsets, without a group. */
  assign(positions: readonly TopicPartitionOffset[]): void;
  /** The current assignment (about 58 us a call: once a batch, not once a message). */
  assignments(): TopicPartition[];
  /** The offset after the last message that poll() returned of each; {@link OFFSET_NONE} if none since assignment or seek. Cheap. */
  positions(partitions: readonly TopicPartition[]): TopicPartitionOffset[];
  /**
   * Waits up to timeoutMs for a first message, then takes those that are ready, at most max. Holds a pool thread while it waits,
   * and cannot be interrupted. Returns an empty array after the time-out. Only one call at a time.
   * @throws KafkaError if the consumer failed.
   */
  poll(max: number, timeoutMs: number): Promise<Message[]>;
  /** Stores the next offset to commit (by auto-commit, or at close); {@link OFFSET_NONE}: none. @throws KafkaError, e.g. if not assigned. */
  storeOffset(position: TopicPartitionOffset): void;
  /**
   * Commits these positions now, without blocking the event loop. A non-member may do so while the group has no members.
   * @throws KafkaError, e.g. if the group accepts commits from its members only.
   */
  commit(positions: readonly MovedPosition[]): Promise<void>;
  /** The group's committed offsets; {@link OFFSET_NONE} without one. */
  committed(partitions: readonly TopicPartition[], timeoutMs: number): Promise<TopicPartitionOffset[]>;
  /** Low and high watermark (high is the next offset to be written), asked from the broker. */
  watermarks(partition: TopicPartition, timeoutMs: number): Promise<{ low: number; high: number }>;
  /** One watermark of many partitions, with one request to each broker; without partitions whose leader does not answer. */
  edges(
    partitions: readonly TopicPartition[],
    which: 'low' | 'high',
    timeoutMs: number,
  ): Promise<TopicPartitionOffset[]>;
  /** First offset at or after a time (ms); {@link OFFSET_END} if none. */
  offsetsForTimes(times: readonly TopicPartitionOffset[], timeoutMs: number): Promise<TopicPartitionOffset[]>;
  seek(position: TopicPartitionOffset, timeoutMs: number): Promise<void>;
  /** Which member of its group this consumer is now, and of which generation, for Producer.sendOffsets(); undefined: of none. */
  groupMetadata(): Buffer | undefined;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Leaves the group and commits stored offsets; gives up after timeoutMs, with a log line. Never rejects. */
  close(timeoutMs: number): Promise<void>;
}

interface PartitionMetadata {
  readonly partition: number;
  /** -1: no leader. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isrs: readonly number[];
}

export interface BrokerState {
  readonly id: number;
  /** host:port */
  readonly address: string;
  readonly isUp: boolean;
}

export interface TopicMetadata {
  readonly name: string;
  readonly partitions: readonly PartitionMetadata[];
}

/** A member of a consumer group and its assignment. */
interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly assignments: ReadonlyMap<string, readonly number[]>;
}

export interface GroupDescription {
  readonly groupId: string;
  /** Kafka's name of the state; 'DEAD' for a group that does not exist. */
  readonly state: string;
  readonly members: readonly GroupMember[];
}

export interface CommittedOffset extends TopicPartitionOffset {
  readonly metadata: string;
}

/** Requests that belong to no session. Every call has its own deadline and throws KafkaError. */
export interface Admin {
  /** All topics, or the named ones; a named topic that does not exist is omitted. Never creates a topic. */
  topics(names?: readonly string[]): Promise<TopicMetadata[]>;
  /** The brokers that the cluster lists, and whether each accepts a connection now. */
  brokers(): Promise<readonly BrokerState[]>;
  /**
   * The Kafka release of the brokers, derived from what they support: "3.6", "3.3 to 3.4", "4.3 or newer". With several releases: the oldest of
   * the connected brokers. Undefined if unknown, as for the embedded Kafka.
   */
  release(): Promise<string | undefined>;
  /** Whether its controllers have a leader; undefined if unknown. */
  hasQuorum(): Promise<boolean | undefined>;
  watermarks(
    partitions: readonly TopicPartition[],
  ): Promise<{ topic: string; partition: number; low: number; high: number }[]>;
  /**
   * One watermark of many partitions, with one request to each broker. Unlike the `high` of {@link watermarks}, which stops before
   * an open transaction, `high` is the next offset to be written, regardless of open transactions.
   */
  edges(partitions: readonly TopicPartition[], which: 'low' | 'high'): Promise<TopicPartitionOffset[]>;
  createTopic(topic: {
    name: string;
    partitions: number;
    replicationFactor?: number;
    config?: Readonly<Record<string, string>>;
  }): Promise<void>;
  /** Increases a topic's partitions to this number. */
  createPartitions(topic: string, total: number): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Deletes records below the given offsets. */
  deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void>;
  /** Effective settings by topic; `overridden` distinguishes the topic's own from the broker's defaults. */
  topicConfigs(names: readonly string[]): Promise<Map<string, Map<string, { value: string; overridden: boolean }>>>;
  /** Cluster id and, by topic, the topic id (uuid text); `denied`: topics that may exist and may not be seen. */
  identity(topics: readonly string[]): Promise<{
    clusterId: string;
    topicIds: ReadonlyMap<string, string>;
    denied?: readonly string[];
  }>;
  groups(): Promise<string[]>;
  /** Groups of the classic protocol, with members of any type, and of Kafka 4's. */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>;
  /** Deletes a group without members, with its offsets. */
  deleteGroup(groupId: string): Promise<void>;
  /** Committed offsets with metadata; partitions without one are omitted. */
  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>;
  /** Commits with metadata for a group without members. */
  commitGroupOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void>;
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void>;
  close(): Promise<void>;
}

/** A position, and what is committed with it: the acks above it. */
export interface MovedPosition extends TopicPartitionOffset {
  readonly metadata?: string;
}

/** Positions of a group that move with a transaction. */
export interface Movement {
  readonly positions: readonly MovedPosition[];
  /** Consumer.groupMetadata() of the member that they are of: Kafka refuses one whose generation is over. */
  readonly member: Buffer;
}

/** Acks that wait for a transaction: one of these is called when it has ended. */
export interface Staged extends Movement {
  committed(): void;
  /** Nothing has moved. */
  aborted(): void;
  /** It is not known whether they have moved. */
  unknown(): void;
}

/** A member of a group, as far as its acks go. It takes part in one transaction at a time: of two, the later would undo the earlier. */
export interface AckSource {
  /** Acks of several EXECs may go in one transaction: each ack is of one message only. */
  readonly isShared: boolean;
  /** @throws GatewayError if one of them is not possible; KafkaError */
  stage(acks: readonly TopicPartitionOffset[]): Promise<Staged>;
}

export type Acks = ReadonlyMap<AckSource, readonly TopicPartitionOffset[]>;

/** One named Kafka cluster: opens connected clients. */
export interface KafkaFactory {
  /** A comma-separated host:port list, for logs. */
  readonly brokers: string;
  /** It runs inside the process, in memory. */
  readonly embedded: boolean;
  /** The largest record that this cluster's producers accept, bytes (`message.max.bytes`). */
  readonly maxMessageBytes: number;
  /** @throws KafkaError if no broker answers within timeoutMs or a property is refused. */
  producer(options: ProducerOptions, timeoutMs: number): Promise<Producer>;
  consumer(options: ConsumerOptions, timeoutMs: number): Promise<Consumer>;
  readonly admin: Admin;
  /** Takes over the logins of a configuration that was read again. Open connections stay; absent: it has none. */
  renew?(sections: Readonly<Record<'general' | 'consumer' | 'producer', Properties>>): void;
  /** Closes the admin connection and, when embedded, the cluster itself. */
  close(): Promise<void>;
}

/** Core's clock, so that tests can control time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a monotonic clock, with fractions. */
  monotonic(): number;
  /**
   * Calls once after ms, however long (Infinity: never), unless the returned function is called before. The clock handles what the
   * call throws, or its promise rejects with: it is logged.
   */
  after(ms: number, call: () => unknown): () => void;
}

/** Versions of the Kafka client. */
export interface ClientVersions {
  readonly librdkafka: string;
  readonly nodeRdkafka: string;
}
