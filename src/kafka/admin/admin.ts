// The Admin port on a real cluster: librdkafka's Admin API, through native/admin.cc.
import {
  type Admin,
  type CommittedOffset,
  type GroupDescription,
  KafkaCode,
  KafkaError,
  OFFSET_BEGINNING,
  OFFSET_END,
  type TopicPartition,
  type TopicPartitionOffset,
} from '../../core/ports.js';
import { knowsNewGroupProtocol, releaseOf } from '../broker-version.js';
import { faultOf, refuse } from '../fault.js';
import type { Callback, NativeProducer } from '../native.js';
import { adminTimeoutMs, BasicAdmin } from './basic-admin.js';

/** An error for one topic, partition or group of a request. */
interface Failure {
  readonly code: number;
  readonly message: string;
}

interface Answered {
  readonly error: Failure | null;
}

interface PartitionAnswer extends Answered {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

interface GroupAnswer extends Answered {
  readonly group: string;
  readonly partitions: readonly PartitionAnswer[];
}

interface TopicAnswer extends Answered {
  readonly topic: string;
}

interface TopicDescription extends TopicAnswer {
  /** Base64; null from brokers before 2.8. */
  readonly id: string | null;
  readonly partitions: readonly { readonly leader: number }[];
}

interface ClusterDescription {
  readonly clusterId: string | null;
  readonly brokers: readonly { readonly id: number }[];
}

interface ConfigAnswer extends TopicAnswer {
  readonly configs: readonly { name: string; value: string | null; overridden: boolean }[];
}

interface DescribedGroup extends Answered {
  readonly group: string;
  readonly state: string;
  readonly members: readonly { memberId: string; clientId: string; partitions: readonly PartitionAnswer[] }[];
}

type NewTopic = Parameters<Admin['createTopic']>[0];
type CallOfBroker = (native: NativeProducer, broker: number, timeoutMs: number, callback: Callback<string>) => void;
type Call = (native: NativeProducer, timeoutMs: number, callback: Callback<string>) => void;

/** How long controllers may take to answer, ms. */
const quorumMs = 3_000;
/** Replicas of a topic on brokers that do not fill in their own default: so many, or as many as there are brokers. */
const replicasOnOldBrokers = 3;
/** The controllers only check this name; the topic is never created. */
const quorumTopic = 'rafka-quorum-check';
/** Error codes of a broker whose controllers do not answer: timed out, not the controller, no leader. */
const noQuorum: readonly number[] = [KafkaCode.timedOut, 7, 41, 5, 6];
/** How long one try waits for a coordinator, which may have moved, ms. */
const coordinatorMs = 2_300;
/** Pause before a call is repeated that found no coordinator or controller, ms. */
const retryMs = 200;
/** How long brokers are asked whether they know of a created or deleted topic, and the pause in between, ms. */
const newsMs = 3_000;
const newsRetryMs = 10;
/** How long a connected client may take to be connected anew, ms. */
const connectedMs = 1_000;
/** librdkafka's choice: the controller that the cluster last named. */
const controller = -1;
/** A broker's own default. */
const partitionsOnOldBrokers = 1;
/** Time limit for the controller where any other broker could answer, ms. */
const controllerMs = 2_000;
/** The broker's code for a group that does not exist, where it used to describe a dead one. */
const groupIdNotFound = 69;
/** librdkafka's code for an answer that it cannot read. */
const badMessage = -199;
/** The broker's code for a topic that has this number of partitions already. */
const invalidPartitions = 37;

/** Requests of any kind; a call that meets a changing cluster is repeated until its deadline. */
export class ClusterAdmin extends BasicAdmin {
  override async createTopic(topic: NewTopic): Promise<void> {
    const { name } = topic;
    try {
      await this.#create(topic).catch(async (error: unknown) => {
        // Brokers before 2.4 require the numbers of partitions and replicas.
        const { partitions, replicationFactor } = topic;
        if ((replicationFactor !== undefined && partitions !== -1) || !isUnsupported(error)) throw error;
        const { brokers } = await this.#cluster();
        await this.#create({
          ...topic,
          partitions: partitions === -1 ? partitionsOnOldBrokers : partitions,
          replicationFactor: replicationFactor ?? Math.min(replicasOnOldBrokers, brokers.length),
        });
      });
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.topicExists) await this.#untilAllAgree(name, true);
      throw error;
    }
    await this.#untilAllAgree(name, true);
  }

  async #create({ name, partitions, replicationFactor = -1, config = {} }: NewTopic): Promise<void> {
    await this.#change((native, timeoutMs, callback) =>
      native.createTopic(name, partitions, replicationFactor, Object.entries(config).flat(), timeoutMs, callback),
    );
  }

  override createPartitions = async (topic: string, total: number): Promise<void> => {
    await this.#once(invalidPartitions, (native, timeoutMs, callback) =>
      native.createPartitions(topic, total, timeoutMs, callback),
    );
  };

  override deleteTopic = async (name: string): Promise<void> => {
    await this.#once(KafkaCode.unknownTopicOrPartition, (native, timeoutMs, callback) =>
      native.deleteTopic(name, timeoutMs, callback),
    );
    await this.#untilAllAgree(name, false);
  };

  /** What brokerApis() said last. */
  knownApis: readonly number[] | undefined;

  override async release(): Promise<string | undefined> {
    const versions = await this.#supported();
    return versions && releaseOf(versions);
  }

  /** Controllers are asked to validate a topic without creating it: brokers hold the request while there is no leader. */
  override async hasQuorum(): Promise<boolean | undefined> {
    try {
      const client = await this.connected('quorum');
      const text = await client.ask<string>((callback) => client.native.validateTopic(quorumTopic, quorumMs, callback));
      const [answer] = JSON.parse(text) as Answered[];
      return !noQuorum.includes(answer?.error?.code ?? 0);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return noQuorum.includes(error.code) ? false : undefined;
    }
  }

  override deleteRecords = async (before: readonly TopicPartitionOffset[]): Promise<void> => {
    if (before.length === 0) return;
    await this.#change((native, timeoutMs, callback) => native.deleteRecords(before, timeoutMs, callback));
  };

  override edges = async (
    partitions: readonly TopicPartition[],
    which: 'low' | 'high',
  ): Promise<TopicPartitionOffset[]> => {
    if (partitions.length === 0) return [];
    const offset = which === 'low' ? OFFSET_BEGINNING : OFFSET_END;
    const asked = partitions.map(({ topic, partition }) => ({ topic, partition, offset }));
    const found = await this.#change<PartitionAnswer>((native, timeoutMs, callback) =>
      native.listOffsets(asked, timeoutMs, callback),
    );
    return found.map(({ topic, partition, offset }) => ({ topic, partition, offset }));
  };

  override topicConfigs = async (names: readonly string[]) => {
    if (names.length === 0) return new Map();
    const described = await this.#askAny<ConfigAnswer[]>(
      (native, broker, timeoutMs, callback) => native.describeConfigs(names, broker, timeoutMs, callback),
      throwing,
    );
    return new Map(
      described.map(({ topic, configs }) => [
        topic,
        new Map(configs.map(({ name, value, overridden }) => [name, { value: value ?? '', overridden }])),
      ]),
    );
  };

  override identity = async (names: readonly string[]) => {
    const { clusterId } = await this.#cluster();
    const topicIds = new Map<string, string>();
    const denied: string[] = [];
    if (names.length > 0) {
      const described = await this.#askAny<TopicDescription[]>((native, broker, timeoutMs, callback) =>
        native.describeTopics(names, broker, timeoutMs, callback),
      );
      for (const { topic, id, error } of described) {
        if (error === null && id !== null) topicIds.set(topic, uuidText(id));
        else if (error?.code === KafkaCode.topicAuthorizationFailed) denied.push(topic);
        else if (error !== null && error.code !== KafkaCode.unknownTopicOrPartition) throw failureOf(error);
      }
    }
    return { clusterId: clusterId ?? '', topicIds, denied };
  };

  override groups = async (): Promise<string[]> => {
    const { groups } = await this.#ask<{ groups: string[]; errors: Answered[] }>(
      (native, timeoutMs, callback) => native.listGroups(timeoutMs, callback),
      // Groups of an unavailable broker have another coordinator by now; but an answer from no broker is a failure.
      ({ groups, errors }) => throwing(errors.filter(({ error }) => groups.length === 0 || !isAway(error))),
    );
    return groups;
  };

  override describeGroups = async (groupIds: readonly string[]): Promise<GroupDescription[]> => {
    if (groupIds.length === 0) return [];
    const described = await this.#ask<DescribedGroup[]>(
      (native, timeoutMs, callback) => native.describeGroups(groupIds, coordinatorTime(timeoutMs), callback),
      // A coordinator that has just started, or has moved, is asked again.
      (groups) => throwing(groups.filter(({ error }) => error?.code !== groupIdNotFound)),
    );
    const byId = new Map(described.map((group) => [group.group, group]));
    return groupIds.map((groupId) => describe(groupId, byId.get(groupId)));
  };

  override deleteGroup = async (groupId: string): Promise<void> => {
    await this.#once(groupIdNotFound, (native, timeoutMs, callback) =>
      native.deleteGroup(groupId, coordinatorTime(timeoutMs), callback),
    );
  };

  override groupOffsets = async (
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<CommittedOffset[]> => {
    if (partitions.length === 0) return [];
    const offsets = await this.#ofGroup((native, timeoutMs, callback) =>
      native.groupOffsets(groupId, partitions, coordinatorTime(timeoutMs), callback),
    );
    return (
      offsets
        .map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset: committed(offset), metadata }))
        // -1 means none in Kafka; -2 (the oldest) may have been written by Kafka-Pixy's clients.
        .filter(({ offset, metadata }) => offset !== -1 || metadata !== '')
    );
  };

  override commitGroupOffsets = async (groupId: string, offsets: readonly CommittedOffset[]): Promise<void> => {
    if (offsets.length === 0) return;
    await this.#ofGroup((native, timeoutMs, callback) =>
      native.commitGroupOffsets(groupId, offsets, coordinatorTime(timeoutMs), callback),
    );
  };

  override deleteGroupOffsets = async (groupId: string, partitions: readonly TopicPartition[]): Promise<void> => {
    if (partitions.length === 0) return;
    try {
      await this.#ofGroup((native, timeoutMs, callback) =>
        native.deleteGroupOffsets(groupId, partitions, coordinatorTime(timeoutMs), callback),
      );
    } catch (error) {
      // Brokers before 2.4 delete positions with their group only.
      if (!isUnsupported(error) || (await this.#hasOtherOffsets(groupId, partitions))) throw error;
      await this.deleteGroup(groupId);
    }
  };

  /** What brokerApis() says. A client that has only just connected changes to another connection to its broker, and has none meanwhile. */
  async #supported(): Promise<number[] | undefined> {
    const { native } = await this.connected('topics');
    for (const deadline = performance.now() + connectedMs; ; ) {
      const versions = native.brokerApis();
      if (versions !== null) this.knownApis = versions;
      if (versions !== null || performance.now() > deadline) return versions ?? undefined;
      await pause(newsRetryMs);
    }
  }

  /** Whether a group has positions besides those of these partitions. */
  async #hasOtherOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<boolean> {
    const given = new Set(partitions.map(({ topic, partition }) => `${partition} ${topic}`));
    const everywhere = (await this.topics()).flatMap(({ name, partitions: all }) =>
      all.map(({ partition }) => ({ topic: name, partition })),
    );
    const others = everywhere.filter(({ topic, partition }) => !given.has(`${partition} ${topic}`));
    return (await this.groupOffsets(groupId, others)).length > 0;
  }

  /** @throws KafkaError when a broker does not know the new group protocol (KIP-848): a member would wait for ever, without a word */
  async checkNewGroupProtocol(): Promise<void> {
    const versions = await this.#supported();
    if (versions === undefined || knowsNewGroupProtocol(versions)) return;
    const text = `group.protocol=consumer (KIP-848) needs Kafka 4.0, and the brokers are Kafka ${releaseOf(versions)}`;
    throw refuse(KafkaCode.unsupportedFeature, text);
  }

  #cluster(): Promise<ClusterDescription> {
    return this.#askAny((native, broker, timeoutMs, callback) => native.describeCluster(broker, timeoutMs, callback));
  }

  /**
   * A broker learns of a created or deleted topic a moment after the controller has answered; a request to it before that is
   * refused. A broker that cannot be reached is no reason to fail: no other client gets an answer from it either.
   */
  async #untilAllAgree(name: string, isThere: boolean): Promise<void> {
    const deadline = performance.now() + newsMs;
    const agrees = async ({ id }: { id: number }): Promise<void> => {
      while (performance.now() < deadline && (await this.#isKnown(name, id, deadline)) !== isThere)
        await pause(newsRetryMs);
    };
    // The change is made: it does not fail because no broker could confirm it.
    const cluster = await this.#cluster().catch(() => undefined);
    await Promise.allSettled((cluster?.brokers ?? []).map(agrees));
  }

  /** Whether a broker knows a topic with all its leaders; undefined: in part. @throws KafkaError if it does not answer in time */
  async #isKnown(name: string, broker: number, deadline: number): Promise<boolean | undefined> {
    const client = await this.connected('cluster');
    const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
    const text = await client.ask<string>((callback) => client.native.describeTopics([name], broker, leftMs, callback));
    const [topic] = JSON.parse(text) as TopicDescription[];
    if (topic?.error) return topic.error.code === KafkaCode.unknownTopicOrPartition ? false : undefined;
    return topic?.partitions.every(({ leader }) => leader >= 0) ? true : undefined;
  }

  /**
   * A change that can be made only once.
   * @param code the error of a second try if the first was carried out and its answer was lost
   */
  async #once(code: number, call: Call): Promise<void> {
    let tries = 0;
    const counted: Call = (native, timeoutMs, callback) => {
      tries += 1;
      call(native, timeoutMs, callback);
    };
    await this.#change(counted).catch((error: unknown) => {
      if (tries === 1 || !(error instanceof KafkaError) || error.code !== code) throw error;
    });
  }

  /** librdkafka names what is missing, and the release that has it; this adds the release of the brokers. */
  async #tooOld({ code, message }: KafkaError): Promise<KafkaError> {
    const release = await this.release().catch(() => undefined);
    return refuse(code, release === undefined ? message : `${message} (the brokers are Kafka ${release})`);
  }

  /** A call for partitions of a group. @throws KafkaError the first failure, of the group or of a partition */
  async #ofGroup(call: Call): Promise<readonly PartitionAnswer[]> {
    const partitionsOf = (groups: readonly GroupAnswer[]): readonly PartitionAnswer[] =>
      throwing(throwing(complete(groups)).flatMap(({ partitions }) => partitions));
    return partitionsOf(await this.#ask<GroupAnswer[]>(call, partitionsOf));
  }

  /** A call whose answer is a list. @throws KafkaError the first failure in it */
  #change<T extends Answered = Answered>(call: Call): Promise<T[]> {
    return this.#ask<T[]>(call, (answers) => throwing(complete(answers)));
  }

  /** A request that any broker can answer: the last known controller may be gone. @throws KafkaError */
  async #askAny<T>(call: CallOfBroker, check?: (answer: T) => unknown): Promise<T> {
    const ask = (broker: number, limitMs: number): Promise<T> =>
      this.#ask((native, timeoutMs, callback) => call(native, broker, timeoutMs, callback), check, limitMs);
    try {
      return await ask(controller, controllerMs);
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== KafkaCode.timedOut) throw error;
      const up = (await this.brokers()).filter(({ isUp }) => isUp);
      for (const { id } of up) {
        const answer = await ask(id, controllerMs).catch((refused: unknown) => {
          if (!(refused instanceof KafkaError) || refused.code !== KafkaCode.timedOut) throw refused;
          return undefined;
        });
        if (answer !== undefined) return answer;
      }
      throw error;
    }
  }

  /** @param check throws an error; a retriable one repeats the call. @throws KafkaError */
  async #ask<T>(
    call: Call,
    check: (answer: T) => unknown = () => undefined,
    limitMs: number = adminTimeoutMs,
  ): Promise<T> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      try {
        const client = await this.connected('cluster');
        const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
        const answer = JSON.parse(await client.ask<string>((callback) => call(client.native, leftMs, callback))) as T;
        check(answer);
        return answer;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        if (isUnsupported(error)) throw await this.#tooOld(error);
        if (!error.retriable || performance.now() + retryMs > deadline) throw error;
        await pause(retryMs);
      }
    }
  }
}

/** A try ends before the call does: the next one looks for the coordinator again. */
const coordinatorTime = (leftMs: number): number => Math.min(leftMs, coordinatorMs);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** librdkafka appends the broker's text to the request's name, and the broker may have sent none. */
const failureOf = ({ code, message }: Failure): KafkaError =>
  new KafkaError(/: *$/.test(message) ? faultOf(code) : faultOf(code, message));

const isUnsupported = (error: unknown): boolean =>
  error instanceof KafkaError && error.code === KafkaCode.unsupportedFeature;

const isAway = (error: Failure | null): boolean =>
  error?.code === KafkaCode.timedOut || error?.code === KafkaCode.transport;

function throwing<T extends Answered>(answers: readonly T[]): readonly T[] {
  for (const { error } of answers) if (error !== null) throw failureOf(error);
  return answers;
}

/** What is asked about stands in each answer. @throws KafkaError when nothing does: that is no success */
function complete<T>(answers: readonly T[]): readonly T[] {
  if (answers.length === 0) throw new KafkaError(faultOf(badMessage));
  return answers;
}

/** librdkafka's own number for no offset is Kafka's -1. */
const committed = (offset: number): number => (offset < -2 ? -1 : offset);

function describe(groupId: string, group: DescribedGroup | undefined): GroupDescription {
  if (!group || group.error !== null) return { groupId, state: 'DEAD', members: [] };
  return {
    groupId,
    state: stateOf(group.state),
    members: group.members.map(({ memberId, clientId, partitions }) => {
      const assignments = new Map<string, number[]>();
      for (const { topic, partition } of partitions)
        assignments.set(topic, [...(assignments.get(topic) ?? []), partition]);
      return { memberId, clientId, assignments };
    }),
  };
}

/** Kafka's `PreparingRebalance` is the port's PREPARING_REBALANCE. */
const stateOf = (name: string): string => name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();

/** `00000000-0000-0000-0000-000000000000`. */
function uuidText(base64: string): string {
  const hex = Buffer.from(base64, 'base64').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
