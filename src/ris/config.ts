// The `ris` section of the configuration.
import { z } from 'zod';
import { topicNamer } from './topic.js';

const topicTemplate = z.string().check((context) => {
  try {
    topicNamer(context.value);
  } catch (error) {
    context.issues.push({ code: 'custom', message: (error as Error).message, input: context.value });
  }
});

const collectorTemplate = z
  .string()
  .regex(/^[A-Za-z0-9._:-]*<collector>[A-Za-z0-9._:-]*$/, 'has to contain <collector>');

/** Collectors as `rrc00`, as `rrc00.ripe.net`, or `all`; one text with commas or a list. */
const hosts = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? value.split(',') : value))
  .transform((list) => list.map((host) => host.trim().toLowerCase().replace(/\..*$/, '')).filter((host) => host !== ''))
  .refine((list) => list.length > 0 && list.every((host) => /^[a-z0-9_-]{1,63}$/.test(host)), {
    message: 'name collectors like rrc00,rrc13, or all',
  });

/** Durations in ms, sizes in bytes. */
export const risSchema = z.strictObject({
  /** Which collectors. */
  host: hosts,
  /** RIS Live's websocket. */
  url: z.url({ protocol: /^wss?$/ }).default('wss://ris-live.ripe.net/v1/ws/'),
  /** How we are known to RIS Live, which asks every client for a name. */
  clientId: z.string().max(100).default('rafka'),
  topic: topicTemplate.default('<collector>.<peer_asn>.bmp_raw'),
  key: z.enum(['peer', 'peer_asn', 'collector', 'id', 'none']).default('peer'),
  framing: z.enum(['bmp', 'obmp']).default('bmp'),
  /** false: build every UPDATE from the JSON. */
  useRaw: z.boolean().default(true),
  /** Record headers: host, ris-id, part, synthetic. */
  headers: z.boolean().default(true),
  /** A record's time: the RIS message's, or that of producing. */
  timestamp: z.enum(['ris', 'produce']).default('ris'),
  /** How long a message is held so that those before it can overtake. */
  reorderMs: z.int().min(0).max(60_000).default(500),
  late: z.enum(['drop', 'publish']).default('drop'),
  /** Sockets at a time for each collector. */
  redundancy: z.int().min(1).max(4).default(1),
  /** A socket that brings nothing for so long is replaced. */
  staleMs: z.int().min(1_000).default(60_000),
  connectTimeoutMs: z.int().min(100).default(10_000),
  backoffMinMs: z.int().min(10).default(500),
  backoffMaxMs: z.int().min(100).default(30_000),
  /** Received lines kept for each collector until they are in Kafka. */
  bufferBytes: z.int().min(65_536).default(134_217_728),
  /** A transaction is committed after so long, or with so many messages. */
  commitMs: z.int().min(1).max(10_000).default(100),
  commitMessages: z.int().min(1).max(10_000).default(5_000),
  compression: z.enum(['none', 'gzip', 'snappy', 'lz4', 'zstd']).default('lz4'),
  transactionalId: collectorTemplate.default('ris:<collector>'),
  transactionTimeoutMs: z.int().min(5_000).max(900_000).default(60_000),
  /** The compacted topic with each collector's progress. */
  checkpointTopic: collectorTemplate.default('rafka.ris.<collector>.checkpoint'),
  /** Absent: the broker's default. */
  checkpointReplication: z.int().min(1).optional(),
  /** Run alone, without Redis. */
  noHa: z.boolean().default(false),
  redis: z.string().default('redis://127.0.0.1:6379'),
  redisPrefix: z.string().default('rafka:ris:'),
  leaseTtlMs: z.int().min(500).max(600_000).default(5_000),
  /** How often the progress line is written; 0: never. */
  progressMs: z.int().min(0).default(10_000),
  /** How long a stop may take to publish what there is. */
  shutdownTimeoutMs: z.int().min(0).default(10_000),
});

export type RisConfig = z.output<typeof risSchema>;
export type RisConfigInput = z.input<typeof risSchema>;
