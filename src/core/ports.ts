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

/** One record header. Order and repeats are kept; values are any bytes, null and empty told apart. */
export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record on its way to Kafka. */
export interface ProducerRecord {
  readonly topic: string;
  /** Absent: the producer's partitioner chooses. */
  readonly partition?: number;
  /** null: no key. Empty and null are told apart, for key and value. */
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

/** What became of one produced record. */
export interface DeliveryReport extends TopicPartition {
  /** -1 when delivery failed. */
  readonly offset: number;
  /** Milliseconds since the epoch as Kafka stored it; -1 when unknown. */
  readonly timestamp: number;
  /** Absent: delivered (acks as configured). */
  readonly error?: KafkaFault;
}

/** A librdkafka error in words that core understands. `code` is librdkafka's number (negative: local, positive: broker). */
export interface KafkaFault {
  readonly code: number;
  readonly message: string;
  readonly fatal: boolean;
  readonly retriable: boolean;
  /** The transaction must be aborted (transactional producers only). */
  readonly abortable: boolean;
}

/** Thrown by every port operation that Kafka or librdkafka refused. The one translation is in kafka/client.ts. */
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

/** The librdkafka error codes that core and the faces decide on. */
export const KafkaCode = {
  badMessage: -199,
  fail: -196,
  transport: -195,
  destroy: -197,
  resolve: -193,
  messageTimedOut: -192,
  partitionEof: -191,
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
  maxPollExceeded: -147,
  noEntry: -156,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeader: 6,
  messageTooLarge: 10,
  invalidTopic: 17,
  topicExists: 36,
  topicAuthorizationFailed: 29,
  offsetOutOfRange: 1,
} as const;

/** Whether a fault says that a topic does not exist, in the broker's words or in the client's own. */
export function isMissingTopic({ code }: KafkaFault): boolean {
  return code === KafkaCode.unknownTopicOrPartition || code === KafkaCode.unknownTopicLocal;
}

/** Whether a fault says that no broker answered: the same may work a moment later. */
export function isUnreachable({ code }: KafkaFault): boolean {
  return (
    code === KafkaCode.transport ||
    code === KafkaCode.timedOut ||
    code === KafkaCode.allBrokersDown ||
    code === KafkaCode.resolve ||
    code === KafkaCode.fail
  );
}

/** Of a topic that was listed: a broker that has not heard of it, or of the partition's leader, will soon have. */
export const isPassing = (fault: KafkaFault): boolean =>
  fault.retriable || isMissingTopic(fault) || fault.code === KafkaCode.unknownPartition;

/**
 * `all`: every record's fate is reported; `errors`: only failures are, which makes producing 2.7 times as cheap
 * (no tag may be passed then).
 */
export type ReportMode = 'all' | 'errors';

export interface ProducerOptions {
  readonly reports: ReportMode;
  /** Over the cluster's producer section. */
  readonly properties?: Properties;
  /**
   * Least time between two hand-overs to the client library of records without a tag, which nobody waits for, ms; more while it
   * produces fast or many producers are busy. What comes sooner waits. Absent or 0: nothing does.
   */
  readonly gatherMs?: number;
  /** Called for each report of the chosen kind, with the tag given to produce(). */
  readonly onReport: (report: DeliveryReport, tag: unknown) => void;
  /** A fault of the client itself: brokers unreachable (not fatal) or an idempotence error (fatal: the producer is of no more use). */
  readonly onFault?: (fault: KafkaFault) => void;
}

/** A connected producer. Closing it is the duty of whoever made it. */
export interface Producer {
  /**
   * Hands one record to the client's queue; synchronous. Key, value and headers are copied.
   * @throws KafkaError at once for what is known at once; code {@link KafkaCode.queueFull} when the queue is full.
   */
  produce(record: ProducerRecord, tag?: unknown): void;
  /**
   * Waits until nothing is in flight and every report has been handed to onReport.
   * @returns true when so; false after timeoutMs.
   */
  flush(timeoutMs: number): Promise<boolean>;
  /** Records that are not delivered yet, or whose reports wait to be handed over: an upper bound. */
  readonly pending: number;
  /**
   * Gives up what is not delivered; each such record is reported as failed before this settles.
   * @returns false where that is not possible: they stay where they are.
   */
  purge(): Promise<boolean>;
  /** Closes without waiting for what is in flight beyond timeoutMs. Never rejects. */
  close(timeoutMs: number): Promise<void>;

  /** Transactional producers only (`transactional.id` among the properties). All throw KafkaError; see `fatal` and `abortable`. */
  initTransactions(timeoutMs: number): Promise<void>;
  beginTransaction(): Promise<void>;
  commitTransaction(timeoutMs: number): Promise<void>;
  abortTransaction(timeoutMs: number): Promise<void>;
}

export interface ConsumerOptions {
  /** Absent: a consumer without a group, for assign() only. */
  readonly groupId?: string;
  readonly clientId?: string;
  /** Over the cluster's consumer section. */
  readonly properties?: Properties;
  /** Every error that is not an answer to a call: transport trouble, a missing topic, a fatal one. */
  readonly onFault?: (fault: KafkaFault) => void;
  /**
   * Asks to be told when everything a partition holds now has been read (with read_committed: all that is committed).
   * `position` is the offset that comes next, past markers and gaps; called before the poll() that saw it settles.
   */
  readonly onEnd?: (position: TopicPartitionOffset) => void;
  /**
   * Takes part in the group's rebalances (eager assignors only). Whoever gives one polls all the time, also when there is
   * no room for messages (pause() then): the whole group waits for a member that doesn't.
   */
  readonly rebalance?: Rebalance;
}

/**
 * A member's say in a rebalance; absent, the client assigns and revokes by itself. The group waits for both calls: they
 * settle soon. A rejection goes to onFault and counts as an empty answer.
 */
export interface Rebalance {
  /** @returns where to start reading; a partition that is left out starts at the group's committed offset. */
  assigned(partitions: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]>;
  /**
   * Until it settles the partitions are still this member's, and commit() works; also called by close().
   * `lost`: they are somebody else's already, and commits will be refused.
   */
  revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>;
}

/** A connected consumer. Closing it is the duty of whoever made it. */
export interface Consumer {
  /** What its properties say of partitions for which its group has committed nothing (auto.offset.reset). */
  readonly startPolicy: 'earliest' | 'latest' | 'error';
  /** Joins the group for these topics (replaces what was subscribed before). */
  subscribe(topics: readonly string[]): void;
  /** Learns the cluster's topics anew: a subscribed topic that has come since is joined. Costs a look at all topics. */
  refreshTopics(timeoutMs: number): Promise<void>;
  /** Reads these partitions from these offsets, without a group's help. */
  assign(positions: readonly TopicPartitionOffset[]): void;
  /** What is assigned now (about 58 us a call: once a batch, not once a message). */
  assignments(): TopicPartition[];
  /** Behind the last message that poll() has given of each; {@link OFFSET_NONE} when none since it was assigned or sought. Cheap. */
  positions(partitions: readonly TopicPartition[]): TopicPartitionOffset[];
  /**
   * Waits up to timeoutMs for a first message, then takes what is ready, at most max. Holds a pool thread while it waits,
   * and cannot be interrupted. An empty array after the time-out. Only one call at a time.
   * @throws KafkaError when the consumer failed.
   */
  poll(max: number, timeoutMs: number): Promise<Message[]>;
  /** Stores the next offset to be committed (by the auto-commit, or at close); {@link OFFSET_NONE}: none. @throws KafkaError, e.g. when not assigned. */
  storeOffset(position: TopicPartitionOffset): void;
  /**
   * Commits these positions now, without blocking the loop. Who has not joined the group may do so while it has no members.
   * @throws KafkaError, e.g. when the group takes commits from its members only.
   */
  commit(positions: readonly TopicPartitionOffset[]): Promise<void>;
  /** The group's committed offsets; {@link OFFSET_NONE} where there is none. */
  committed(partitions: readonly TopicPartition[], timeoutMs: number): Promise<TopicPartitionOffset[]>;
  /** Low and high watermark (high is the next offset to be written), asked of the broker. */
  watermarks(partition: TopicPartition, timeoutMs: number): Promise<{ low: number; high: number }>;
  /** One watermark of many partitions, with one request to each broker; without the partitions whose leader doesn't answer. */
  edges(
    partitions: readonly TopicPartition[],
    which: 'low' | 'high',
    timeoutMs: number,
  ): Promise<TopicPartitionOffset[]>;
  /** First offset at or after a time (ms); {@link OFFSET_END} when none. */
  offsetsForTimes(times: readonly TopicPartitionOffset[], timeoutMs: number): Promise<TopicPartitionOffset[]>;
  seek(position: TopicPartitionOffset, timeoutMs: number): Promise<void>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Leaves the group and commits stored offsets; gives up (and says so in the log) after timeoutMs. Never rejects. */
  close(timeoutMs: number): Promise<void>;
}

export interface PartitionMetadata {
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

/** A member of a consumer group with what is assigned to it. */
export interface GroupMember {
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

/** Questions and changes that belong to no session. Every call has a deadline of its own and throws KafkaError. */
export interface Admin {
  /** All topics, or the named ones; a named topic that does not exist is left out. Never creates a topic. */
  topics(names?: readonly string[]): Promise<TopicMetadata[]>;
  /** The brokers that the cluster tells of, and whether each takes a connection now. */
  brokers(): Promise<readonly BrokerState[]>;
  /** Whether its controllers have a leader; undefined where that can't be known. */
  hasQuorum(): Promise<boolean | undefined>;
  watermarks(
    partitions: readonly TopicPartition[],
  ): Promise<{ topic: string; partition: number; low: number; high: number }[]>;
  /**
   * One watermark of many partitions, with one request to each broker. Unlike the `high` of {@link watermarks}, which stops in front
   * of an open transaction, `high` is the next offset to be written, whatever is open.
   */
  edges(partitions: readonly TopicPartition[], which: 'low' | 'high'): Promise<TopicPartitionOffset[]>;
  createTopic(topic: {
    name: string;
    partitions: number;
    replicationFactor?: number;
    config?: Readonly<Record<string, string>>;
  }): Promise<void>;
  /** Grows a topic to so many partitions in all. */
  createPartitions(topic: string, total: number): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Deletes records below the given offsets. */
  deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void>;
  /** Per topic its effective settings; `overridden` tells the topic's own from the broker's defaults. */
  topicConfigs(names: readonly string[]): Promise<Map<string, Map<string, { value: string; overridden: boolean }>>>;
  /** Cluster id and, per topic, the topic id (uuid text); `denied`: topics that are there, perhaps, and may not be seen. */
  identity(topics: readonly string[]): Promise<{
    clusterId: string;
    topicIds: ReadonlyMap<string, string>;
    denied?: readonly string[];
  }>;
  groups(): Promise<string[]>;
  /** Of the classic protocol, whatever its members are, and of Kafka 4's. */
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>;
  /** Deletes a group without members, with its offsets. */
  deleteGroup(groupId: string): Promise<void>;
  /** Committed offsets with metadata; partitions without one are left out. */
  groupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<CommittedOffset[]>;
  /** Commits with metadata for a group without members. */
  commitGroupOffsets(groupId: string, offsets: readonly CommittedOffset[]): Promise<void>;
  deleteGroupOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void>;
  close(): Promise<void>;
}

/** One named Kafka cluster as its users see it: makes connected clients. */
export interface KafkaFactory {
  /** A comma-separated host:port list, for logs. */
  readonly brokers: string;
  /** It runs inside the program, in memory. */
  readonly embedded: boolean;
  /** The largest record this cluster's producers take, in bytes (`message.max.bytes`). */
  readonly maxMessageBytes: number;
  /** @throws KafkaError when no broker answers within timeoutMs or a property is refused. */
  producer(options: ProducerOptions, timeoutMs: number): Promise<Producer>;
  consumer(options: ConsumerOptions, timeoutMs: number): Promise<Consumer>;
  readonly admin: Admin;
  /** Closes the admin connection and, when embedded, the cluster itself. */
  close(): Promise<void>;
}

/** Time as core sees it, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that never goes back, with fractions. */
  monotonic(): number;
  /**
   * Calls once after ms, however many they are (Infinity: never), unless the returned function was called before. The clock owns what the
   * call throws, or its promise rejects with: it is logged.
   */
  after(ms: number, call: () => unknown): () => void;
}
