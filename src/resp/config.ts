// The `resp` section of the configuration, with defaults: listening, access, limits.
import { z } from 'zod';
import { longestMs, tooLong } from '../core/longest.js';
import { streamsConfig } from './streams-config.js';

const ms = z.int().nonnegative().max(longestMs, tooLong);
const bytes = z.int().nonnegative();
const size = z.int().positive();

/** Settings of the Kafka side of RESP connections. */
const kafkaSettings = {
  blpopTimeoutUnit: z
    .enum(['auto', 's', 'ms'])
    .default('auto')
    .describe('Unit of BLPOP time-outs; auto: a whole number of 1000 or more is milliseconds, anything else seconds'),
  blpopNumbers: z
    .enum(['integers', 'strings'])
    .default('integers')
    .describe(
      'How BLPOP of topics answers partition and offset: as integers, as Rafka does, or as bulk strings, which clients that expect an array of strings can read; `rafka.reply` chooses for one consumer',
    ),
  transactions: z
    .enum(['kafka', 'off'])
    .default('kafka')
    .describe(
      'What EXEC does that writes more than one record or acknowledges: one Kafka transaction; off: its commands run one after the other. An embedded Kafka has none: acks are taken when all records are there',
    ),
  transactionalId: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      'Transactional ids are this, a dash and a number; absent: rafka-<host name>-<port>. It has to be the same after a restart, and no other gateway of the cluster may have it. Kafka needs the rights WRITE and DESCRIBE on it where it has ACLs',
    ),
  transactionProducers: z
    .int()
    .min(1)
    .max(1_000)
    .default(16)
    .describe('Transactions of one process at a time; each has a producer that is kept while it is used'),
  produceTimeoutMs: ms
    .default(5_000)
    .describe('How long a full queue or a missing broker holds a connection back before RPUSHX answers an error'),
  rpushx: z
    .enum(['queued', 'delivered'])
    .default('queued')
    .describe(
      'When RPUSHX and PUBLISH answer: when the gateway has queued the message (then use DUMP), or when Kafka has it, else with the error. The users file can set it per user',
    ),
  lingerMs: ms
    .default(1)
    .describe(
      'Minimum linger: time between two batches of one connection. Up to 5 ms while it produces fast, up to 100 ms while many do. 0: only librdkafka lingers',
    ),
  produceBufferBytes: bytes
    .min(1_024 * 1_024)
    .default(512 * 1_024 * 1_024)
    .describe(
      'Memory for undelivered messages of all connections and listeners. A connection that would exceed it is not read, and gets an error after `produceTimeoutMs`. One connection may use a quarter of it, or `queue.buffering.max.kbytes` of the file',
    ),
  producerFlushMs: ms.default(5_000).describe("Time limit for a closing connection's producer to deliver its messages"),
  producerIdleTimeoutMs: ms
    .default(60_000)
    .describe('A producer with nothing in flight is closed after this; 0: never'),
  spareProducers: z
    .int()
    .min(0)
    .max(10_000)
    .default(64)
    .describe(
      'Idle producers kept for the next connections, with their threads and broker connections. Each is closed after `producerIdleTimeoutMs` without use, or five minutes after it was opened. 0: each connection opens its own.',
    ),
  consumerCloseMs: ms.default(5_000).describe('Time limit for a consumer to commit and leave its group'),
  maxConsumers: z
    .number()
    .int()
    .min(1)
    .default(400)
    .describe('Maximum open consumers; each may hold a pool thread (UV_THREADPOOL_SIZE) while it waits'),
  maxPrefetchBytes: bytes
    .min(1_024)
    .default(8 * 1_024 * 1_024)
    .describe('Bytes of messages buffered for one consuming connection, in the gateway and again in librdkafka'),
  allowInternalTopics: z.boolean().default(false).describe('Let clients use topics whose names begin with `__`'),
  /** Redis Streams, plain lists and pub/sub. */
  streams: streamsConfig,
};

const kafkaSchema = z.strictObject(kafkaSettings);

export type KafkaSettings = z.infer<typeof kafkaSchema>;

const tls = z.strictObject({
  certFile: z.string().describe('PEM file with the server certificate and its chain'),
  keyFile: z.string().describe('PEM file with the private key'),
  caFile: z
    .string()
    .optional()
    .describe('PEM file with the authorities of accepted client certificates; absent: clients need none'),
});

export const respConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on'),
    port: z.int().min(0).max(65535).default(6380).describe('Port to listen on; 0: any free one'),
    unixSocket: z.string().optional().describe('Path of a unix socket to listen on as well'),
    unixSocketMode: z
      .string()
      .regex(/^0?[0-7]{3}$/, "must be three octal digits, such as '0770'")
      .default('0700')
      .describe('Who may connect to the unix socket: its file mode, octal'),
    protectedMode: z
      .boolean()
      .default(true)
      .describe('Without a password, refuse clients of other machines; on every listener'),
    requirepass: z.string().min(1).optional().describe('Password of the default user, on every listener'),
    requirepassFile: z.string().optional().describe('File that holds `requirepass`'),
    usersFile: z
      .string()
      .optional()
      .describe('JSON file with users, their password hashes and rights, on every listener'),
    tls: tls.optional().describe('TLS on the port; the unix socket stays plain'),
    maxClients: z.int().positive().default(10_000).describe('Maximum connections'),
    maxBulkBytes: size.default(32 * 1024 * 1000).describe('Largest argument of a command'),
    maxArgs: z
      .int()
      .positive()
      .default(1024 * 1024)
      .describe('Maximum arguments of one command'),
    queryBufferBytes: size
      .default(256 * 1024 * 1024)
      .describe(
        'Memory for waiting requests, and for replies that are being made or not read yet, of all clients. A command that would exceed it fails; beyond it the largest client is closed',
      ),
    clientQueryBufferBytes: size.default(128 * 1024 * 1024).describe('Unread requests of one client'),
    outputBufferBytes: size
      .default(32 * 1024 * 1024)
      .describe('Unread replies of one client; beyond this it is closed'),
    idleTimeoutMs: ms.default(0).describe('Close clients that send nothing for this long; 0: never'),
    drainTimeoutMs: ms.default(60_000).describe('Close clients that do not read their replies for this long'),
    keepAliveMs: ms.default(30_000).describe('TCP keepalive: silence after which a peer is probed'),
    drainMs: ms.default(1000).describe('How long acks are accepted once a shutdown has begun'),
    workers: z.int().min(1).max(128).default(1).describe('Processes that serve the port together; 1: a single process'),
    databases: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1)
      .describe(
        'Databases that SELECT accepts; all show the same keys. Redis has 16: URLs such as redis://host:6380/1 need more than one',
      ),
    strictNames: z.boolean().default(false).describe('Refuse at CLIENT SETNAME what Rafka refuses'),
    ...kafkaSettings,
  })
  .prefault({});

export type RespConfig = z.infer<typeof respConfig>;
