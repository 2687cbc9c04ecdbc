// The embedded Kafka: librdkafka's in-process mock cluster, for trying the gateway without a configuration.
import type { Properties } from '../../core/ports.js';
import type { Log } from '../../log.js';
import { connect, metadata } from '../client.js';
import { type NativeProducer, native } from '../native.js';
import { producerProperties, type Section } from '../properties.js';
import type { EmbeddedPartitions } from './embedded-partitions.js';

export interface EmbeddedKafka {
  /** host:port of its brokers. */
  readonly brokers: string;
  readonly partitions: EmbeddedPartitions;
  /** Creates missing topics. */
  create(topics: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Consumer defaults on the embedded Kafka, below the user's properties: topics are read from the start, because
 * nothing was committed before.
 */
const consumerDefaults: Properties = { 'auto.offset.reset': 'earliest' };

/** The mock's new group protocol accepts a first member at once; its classic one takes 3 s. */
const newProtocol: Properties = { 'group.protocol': 'consumer' };
/** In the classic one, a rebalance takes the session time-out less a second. */
const classicProtocol: Properties = { 'session.timeout.ms': 4000, 'heartbeat.interval.ms': 500 };

/** Keys that librdkafka refuses with the new protocol. */
const classicKeys = ['session.timeout.ms', 'heartbeat.interval.ms', 'partition.assignment.strategy', 'group.protocol'];

/**
 * Properties for a consumer of the embedded Kafka, below the user's.
 * @param wantsClassic it takes part in rebalances, which requires the classic protocol
 */
export function embeddedConsumer(sections: readonly Section[], wantsClassic: boolean): Section {
  const classic = wantsClassic || sections.some(({ properties }) => classicKeys.some((key) => key in properties));
  const protocol = classic ? classicProtocol : newProtocol;
  return { name: 'embedded', properties: { ...consumerDefaults, ...protocol } };
}

/**
 * Starts it, or connects to one that another process started. It holds about 5 MB or 100,000 messages a partition. stop() ends it
 * where it was started.
 */
export async function openEmbedded(
  where: true | { readonly brokers: string },
  partitions: EmbeddedPartitions,
  log: Log,
): Promise<EmbeddedKafka> {
  const properties: Properties =
    where === true ? { 'test.mock.num.brokers': 1 } : { 'bootstrap.servers': where.brokers };
  const client = await connect<NativeProducer>(
    {
      kind: 'embedded cluster',
      create: native.Producer,
      properties: producerProperties([{ name: 'embedded', properties }]),
      log,
      onFault: ({ message }) => log.warn(message),
    },
    5000,
  );
  const { brokers } = await metadata(client, { timeoutMs: 5000 });
  return {
    partitions,
    brokers: brokers.map(({ host, port }) => `${host}:${port}`).join(','),
    async create(topics) {
      for (const topic of topics) await metadata(client, { topic, timeoutMs: 5000 });
    },
    stop: () => client.disconnect(5000),
  };
}
