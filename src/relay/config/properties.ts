// librdkafka properties of the relay's clients, from kaf-relay's configuration keys.
import { createHash } from 'node:crypto';
import type { Properties } from '../../core/ports.js';
import { fail } from '../../errors.js';
import { acksOf, type PoolConfig, type ServerConfig, type TargetConfig } from './config.js';
import type { Mapping } from './topic-map.js';

const mechanisms = new Set(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']);
const codecs = new Set(['none', 'gzip', 'snappy', 'lz4', 'zstd']);

/** Connection properties of a cluster. @param where the section, for error texts @throws GatewayError `relay-config` */
export function connectionProperties(
  server: Omit<ServerConfig, 'session_timeout'> & { session_timeout: number },
  where: string,
): Properties {
  const properties: Record<string, string | number | boolean> = {
    'bootstrap.servers': server.servers.join(','),
    'client.id': 'rafka-relay',
    'security.protocol': `${server.enable_auth ? 'SASL_' : ''}${server.enable_tls ? 'SSL' : 'PLAINTEXT'}`.toLowerCase(),
    'reconnect.backoff.max.ms': 1_000,
  };
  if (server.session_timeout > 0) {
    properties['socket.connection.setup.timeout.ms'] = Math.max(1_000, Math.round(server.session_timeout));
  }
  if (server.enable_log) properties.debug = 'broker,topic';
  return { ...properties, ...saslProperties(server, where), ...tlsProperties(server, where) };
}

function saslProperties(
  server: Pick<ServerConfig, 'enable_auth' | 'sasl_mechanism' | 'username' | 'password'>,
  where: string,
): Properties {
  if (!server.enable_auth) return {};
  const mechanism = server.sasl_mechanism.toUpperCase();
  if (!mechanisms.has(mechanism)) {
    throw fail('relay-config', `${where}.sasl_mechanism '${server.sasl_mechanism}': use ${[...mechanisms].join(', ')}`);
  }
  return { 'sasl.mechanisms': mechanism, 'sasl.username': server.username, 'sasl.password': server.password };
}

/** No path at all: the system's roots. A certificate requires its key. */
function tlsProperties(
  server: Pick<ServerConfig, 'enable_tls' | 'ca_cert_path' | 'client_cert_path' | 'client_key_path'>,
  where: string,
): Properties {
  if (!server.enable_tls) return {};
  if (!server.client_cert_path !== !server.client_key_path) {
    throw fail('relay-config', `${where}: client_cert_path and client_key_path are set together or not at all`);
  }
  return {
    ...(server.ca_cert_path ? { 'ssl.ca.location': server.ca_cert_path } : {}),
    ...(server.client_cert_path
      ? { 'ssl.certificate.location': server.client_cert_path, 'ssl.key.location': server.client_key_path }
      : {}),
  };
}

/** A reader of one mapping: bounded in bytes; a missing position is an error instead of a reset. */
export const sourceProperties = (pool: PoolConfig, target: TargetConfig): Properties => ({
  'isolation.level': pool.isolation_level,
  'auto.offset.reset': 'error',
  'enable.auto.commit': false,
  'enable.auto.offset.store': false,
  'fetch.wait.max.ms': Math.min(Math.round(pool.request_timeout), 60_000),
  'fetch.queue.backoff.ms': 5,
  'queued.min.messages': 50_000,
  'queued.max.messages.kbytes': Math.max(1_024, Math.floor(target.buffer_bytes / 4_096)),
  // One answer for many partitions may have this size, whatever is queued already; librdkafka's own value is 50 MiB.
  'fetch.max.bytes': Math.min(52_428_800, Math.max(1_048_576, Math.floor(target.buffer_bytes / 4))),
  'check.crcs': true,
});

/** The reader of the checkpoint. */
export const checkpointReaderProperties: Properties = {
  'isolation.level': 'read_committed',
  'auto.offset.reset': 'error',
  'enable.auto.commit': false,
  'fetch.wait.max.ms': 50,
};

/** Two relays of one mapping fence each other by this id. */
export const transactionalId = (mapping: Mapping): string =>
  `relay:${createHash('sha256').update(`${mapping.source}\0${mapping.target}`).digest('hex').slice(0, 32)}`;

/** How records are sent. */
export interface BatchBounds {
  /** Bytes of a batch of several records. */
  readonly bytes: number;
  /** Each record is a batch of its own: only then does a refusal say for certain which record it is. */
  readonly alone: boolean;
}

/** librdkafka's own bound for a batch, bytes. */
export const usualBatchBytes = 1_000_000;
/** librdkafka counts a record's headers several times over: ours is the exact count. */
const clientSlackBytes = 1_048_576;

/** The writer of one mapping. @param batches how many records make a batch */
export function targetProperties(
  target: TargetConfig,
  mapping: Mapping,
  batches: BatchBounds = { bytes: usualBatchBytes, alone: false },
): Properties {
  const sessionMs = Math.round(target.session_timeout);
  return {
    'request.required.acks': acksOf(target),
    'enable.idempotence': target.enable_idempotency,
    'linger.ms': target.flush_frequency,
    'batch.num.messages': batches.alone ? 1 : Math.min(target.flush_batch_size, 1_000_000),
    'batch.size': Math.min(Math.max(batches.bytes, 1), usualBatchBytes),
    'message.max.bytes': Math.min(target.max_message_bytes + clientSlackBytes, 1_000_000_000),
    'compression.codec': codecs.has(target.compression) ? target.compression : 'none',
    'request.timeout.ms': Math.min(sessionMs, 900_000),
    'queue.buffering.max.messages': Math.max(target.buffer_size, target.flush_batch_size, 1),
    'queue.buffering.max.kbytes': Math.max(1_024, Math.floor(target.buffer_bytes / 2_048)),
    'message.send.max.retries': 2_147_483_647,
    ...(target.exactlyOnce
      ? {
          'transactional.id': transactionalId(mapping),
          'transaction.timeout.ms': Math.round(target.transaction_timeout),
          // As long as the transaction itself: a slow target may need more than a session_timeout for the queued records. See docs/decisions/0015.
          'message.timeout.ms': Math.round(target.transaction_timeout),
        }
      : // Waiting costs nothing that is not recorded, and giving a message up would cost order or a duplicate.
        { 'message.timeout.ms': 0 }),
    ...(target.enable_idempotency ? {} : { 'max.in.flight.requests.per.connection': 1 }),
  };
}
