// The embedded Kafka: librdkafka's in-process mock cluster, for trying the gateway out when no configuration is given.
import type { Properties } from '../core/ports.js';
import type { Log } from '../log.js';
import { type Client, connect, metadata } from './client.js';
import { type NativeProducer, native } from './native.js';
import { producerProperties } from './properties.js';

export interface EmbeddedKafka {
  /** host:port of its brokers. */
  readonly brokers: string;
  /** The client that the cluster lives in. */
  readonly client: Client<NativeProducer>;
  stop(): Promise<void>;
}

/**
 * What clients of the embedded Kafka are given below the user's own properties: everything is read from the start, as
 * nothing can have been committed before; and topics come to be on first use.
 */
export const embeddedDefaults: { readonly general: Properties; readonly consumer: Properties } = {
  general: { 'topic.metadata.propagation.max.ms': 1000 },
  consumer: { 'auto.offset.reset': 'earliest', 'allow.auto.create.topics': true },
};

/** Starts it; it holds about 5 MB or 100,000 messages a partition, and ends with stop(). */
export async function startEmbedded(log: Log): Promise<EmbeddedKafka> {
  const client = await connect<NativeProducer>(
    {
      kind: 'embedded cluster',
      create: native.Producer,
      properties: producerProperties([{ name: 'embedded', properties: { 'test.mock.num.brokers': 1 } }], log),
      log,
      onFault: ({ message }) => log.warn(message),
    },
    5000,
  );
  const { brokers } = await metadata(client, { timeoutMs: 5000 });
  return {
    brokers: brokers.map(({ host, port }) => `${host}:${port}`).join(','),
    client,
    stop: () => client.disconnect(5000),
  };
}
