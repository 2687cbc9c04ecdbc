// Converts a proxy's YAML values to librdkafka properties and core settings.
import { budgetOf } from '../core/memory/memory-shares.js';
import type { Properties } from '../core/ports.js';
import type { ProduceSettings } from '../core/queue/proxy.js';
import type { QueueSettings } from '../core/queue/queue-settings.js';
import { consumerProperties, defaultLingerMs, producerProperties } from './defaults.js';
import type { PixyProxy } from './file.js';
import { kafkaVersions, type ProxyValues } from './keys.js';

export interface ProxySetup {
  /** For every client of the cluster. */
  readonly general: Properties;
  readonly settings: QueueSettings;
  readonly produce: ProduceSettings;
}

/** Maximum linger of a single record, ms; a longer producer.flush_frequency makes no difference. */
const longestLingerMs = 1;
/** Minimum queue length, whatever producer.channel_buffer_size: acks of many requests arrive together. */
const leastQueue = 10_000;
/** Queued records are delivered even with producer.shutdown_timeout 0, as upstream: its driver continues meanwhile. */
const leastShutdownMs = 5_000;
const maxQueueKilobytes = 262_144;
/** Maximum consumers in a cluster. */
const maxConsumers = 400;

/** @param generatedId for proxies without client_id. @param memoryBytes what the process may use; absent: plenty. */
export function setupProxy(proxy: PixyProxy, generatedId: string, memoryBytes?: number): ProxySetup {
  const { values } = proxy;
  const clientId = values.client_id || generatedId;
  return {
    general: { 'client.id': clientId, ...connection(values) },
    settings: sharing(values, clientId, memoryBytes),
    produce: producing(proxy, memoryBytes),
  };
}

function connection(values: ProxyValues): Properties {
  const tls = values['kafka.tls'];
  const sasl = values['net.sasl.enable'];
  return {
    'bootstrap.servers': values['kafka.seed_peers'].join(','),
    'socket.connection.setup.timeout.ms': clamp(values['net.dial_timeout'], 1_000, 2_147_483_647),
    'socket.timeout.ms': clamp(Math.max(values['net.read_timeout'], values['net.write_timeout']), 10, 300_000),
    'security.protocol': `${sasl ? 'sasl_' : ''}${tls ? 'ssl' : 'plaintext'}`,
    ...(tls ? encryption(values) : {}),
    ...(sasl
      ? {
          'sasl.mechanisms': values['net.sasl.mechanism'],
          'sasl.username': values['net.sasl.user'],
          'sasl.password': values['net.sasl.password'],
        }
      : {}),
  };
}

function encryption(values: ProxyValues): Properties {
  const files = {
    'ssl.ca.location': values['kafka.ca_certificate_file'],
    'ssl.certificate.location': values['kafka.client_certificate_file'],
    'ssl.key.location': values['kafka.client_key_file'],
  };
  return {
    ...Object.fromEntries(Object.entries(files).filter(([, file]) => file !== '')),
    ...(values['kafka.insecure'] ? { 'enable.ssl.certificate.verification': false } : {}),
  };
}

function sharing(values: ProxyValues, clientId: string, memoryBytes: number | undefined): QueueSettings {
  return {
    clientId,
    disabled: values['consumer.disabled'],
    ackTimeoutMs: values['consumer.ack_timeout'],
    queueLength: values['consumer.channel_buffer_size'],
    longPollingTimeoutMs: values['consumer.long_polling_timeout'],
    maxPendingMessages: values['consumer.max_pending_messages'],
    maxRetries: values['consumer.max_retries'],
    commitIntervalMs: values['consumer.offsets_commit_interval'],
    retryBackoffMs: values['consumer.retry_backoff'],
    subscriptionTimeoutMs: values['consumer.subscription_timeout'],
    rebalanceAckTimeoutMs: values['consumer.rebalance_ack_timeout'],
    initialOffset: values['consumer.initial_offset'] === 'oldest' ? 'oldest' : 'newest',
    connectTimeoutMs: clamp(values['net.dial_timeout'], 1_000, 30_000),
    maxConsumers,
    properties: {
      ...consumerProperties,
      'queued.max.messages.kbytes': Math.floor(budgetOf('prefetch', memoryBytes) / 1_024),
      'fetch.wait.max.ms': clamp(values['consumer.fetch_max_wait'], 0, 300_000),
      'max.partition.fetch.bytes': clamp(values['consumer.fetch_max_bytes'], 1, 1_000_000_000),
    },
  };
}

function producing({ values, versionGiven }: PixyProxy, memoryBytes: number | undefined): ProduceSettings {
  const backoff = clamp(values['producer.retry_backoff'], 1, 300_000);
  const worst = (values['producer.flush_frequency'] + backoff) * values['producer.retry_max'];
  const partitioner = values['producer.partitioner'];
  const acks = { no_response: 0, wait_for_local: 1, wait_for_all: -1 }[values['producer.required_acks']] ?? -1;
  return {
    maxMessageBytes: values['producer.max_message_bytes'],
    headers: !versionGiven || kafkaVersions.indexOf(values['kafka.version']) >= kafkaVersions.indexOf('0.11.0.0'),
    roundRobin: partitioner === 'roundrobin',
    produceTimeoutMs: worst + values['producer.timeout'],
    shutdownTimeoutMs: Math.max(values['producer.shutdown_timeout'], leastShutdownMs),
    lingerMs: Math.min(values['producer.flush_frequency'], defaultLingerMs),
    properties: {
      ...producerProperties,
      partitioner: partitioner === 'hash' ? 'fnv1a_random' : 'random',
      'linger.ms': Math.min(values['producer.flush_frequency'], longestLingerMs),
      'batch.size': clamp(values['producer.flush_bytes'], 1, 2_147_483_647),
      'message.max.bytes': clamp(values['producer.max_message_bytes'], 1_000, 1_000_000_000),
      'compression.codec': values['producer.compression'],
      'message.send.max.retries': values['producer.retry_max'],
      'retry.backoff.ms': backoff,
      'retry.backoff.max.ms': Math.max(backoff, 1_000),
      'request.required.acks': acks,
      'request.timeout.ms': clamp(values['producer.timeout'], 1, 900_000),
      'message.timeout.ms': clamp(worst + values['producer.timeout'], 1_000, 2_147_483_647),
      'queue.buffering.max.messages': Math.max(values['producer.channel_buffer_size'], leastQueue),
      'queue.buffering.max.kbytes': Math.min(
        maxQueueKilobytes,
        Math.floor(budgetOf('produceBuffer', memoryBytes) / 1_024),
      ),
    },
  };
}

const clamp = (value: number, least: number, most: number): number =>
  Math.round(Math.min(most, Math.max(least, value)));
