// Every key of a proxy in Kafka-Pixy's YAML: its kind, default and rule. The only table, for loading and for the documents.

/** Durations are in ms once loaded. */
type Kind = 'text' | 'list' | 'flag' | 'whole' | 'duration';

export interface Key {
  readonly kind: Kind;
  readonly fallback: string | readonly string[] | boolean | number;
  /** `> 0` and the like; refused with Kafka-Pixy's text. */
  readonly above?: 'gt 0' | 'ge 0' | 'ge -1';
  readonly oneOf?: readonly string[];
  /** The key's name in the rule's text, if it differs. */
  readonly shownAs?: string;
  /** Accepted without effect. */
  readonly ignored?: true;
}

export const kafkaVersions: readonly string[] = [
  ...['0.8.2.2', '0.9.0.0', '0.9.0.1', '0.10.0.0', '0.10.0.1', '0.10.1.0', '0.10.2.0', '0.10.2.1', '0.10.2.2'],
  ...['0.11.0.0', '0.11.0.1', '0.11.0.2', '0.11.0.3', '1.0.0', '1.0.1', '1.0.2', '1.1.0', '1.1.1'],
  ...['2.0.0', '2.0.1', '2.1.0', '2.1.1', '2.2.0', '2.2.1', '2.3.0'],
];

type Of<K extends Kind> = Key & { readonly kind: K };
type More = Omit<Key, 'kind' | 'fallback'>;

const text = (fallback = '', more: More = {}): Of<'text'> => ({ kind: 'text', fallback, ...more });
const list = (fallback: readonly string[], more: More = {}): Of<'list'> => ({ kind: 'list', fallback, ...more });
const flag = (fallback: boolean, more: More = {}): Of<'flag'> => ({ kind: 'flag', fallback, ...more });
const whole = (fallback: number, above: NonNullable<Key['above']>, more: More = {}): Of<'whole'> => ({
  kind: 'whole',
  fallback,
  above,
  ...more,
});
const duration = (fallback: number, more: More = {}): Of<'duration'> => ({ kind: 'duration', fallback, ...more });

export const keys = {
  client_id: text(),

  'kafka.seed_peers': list(['localhost:9092']),
  'kafka.version': text('', { oneOf: ['', ...kafkaVersions] }),
  'kafka.tls': flag(false),
  'kafka.ca_certificate_file': text(),
  'kafka.client_certificate_file': text(),
  'kafka.client_key_file': text(),
  'kafka.insecure': flag(false),

  'net.dial_timeout': duration(30_000),
  'net.read_timeout': duration(30_000),
  'net.write_timeout': duration(30_000),
  'net.sasl.enable': flag(false),
  'net.sasl.handshake': flag(false, { ignored: true }),
  'net.sasl.user': text(),
  'net.sasl.password': text(),
  /** Ours: names the file that holds it. */
  'net.sasl.password_file': text(),
  'net.sasl.mechanism': text('PLAIN', { oneOf: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] }),

  'zoo_keeper.seed_peers': list(['localhost:2181'], { ignored: true }),
  'zoo_keeper.chroot': text('', { ignored: true }),
  'zoo_keeper.session_timeout': duration(15_000, { ignored: true }),

  'producer.channel_buffer_size': whole(4096, 'gt 0'),
  'producer.max_message_bytes': whole(1_000_000, 'gt 0'),
  'producer.compression': text('snappy', { oneOf: ['none', 'gzip', 'snappy', 'lz4'] }),
  'producer.flush_bytes': whole(1_048_576, 'ge 0'),
  'producer.flush_frequency': duration(500, { above: 'ge 0' }),
  'producer.retry_backoff': duration(10_000, { above: 'gt 0' }),
  'producer.retry_max': whole(6, 'gt 0'),
  'producer.required_acks': text('wait_for_all', { oneOf: ['no_response', 'wait_for_local', 'wait_for_all'] }),
  'producer.shutdown_timeout': duration(30_000, { above: 'ge 0' }),
  'producer.partitioner': text('hash', { oneOf: ['hash', 'random', 'roundrobin'] }),
  'producer.timeout': duration(10_000, { above: 'ge 0' }),

  'consumer.disabled': flag(false),
  'consumer.ack_timeout': duration(300_000, { above: 'gt 0' }),
  'consumer.channel_buffer_size': whole(64, 'gt 0'),
  'consumer.fetch_max_bytes': whole(1_048_576, 'gt 0', { shownAs: 'consumer.fetch_bytes' }),
  'consumer.fetch_max_wait': duration(250),
  'consumer.long_polling_timeout': duration(3_000, { above: 'gt 0' }),
  'consumer.max_pending_messages': whole(300, 'gt 0'),
  'consumer.max_retries': whole(-1, 'ge -1'),
  'consumer.offsets_commit_interval': duration(500, { above: 'gt 0' }),
  'consumer.rebalance_delay': duration(0, { ignored: true }),
  'consumer.retry_backoff': duration(500, { above: 'gt 0' }),
  'consumer.subscription_timeout': duration(15_000, { above: 'gt 0' }),
  /** Ours. */
  'consumer.initial_offset': text('newest', { oneOf: ['newest', 'oldest'] }),
  'consumer.rebalance_ack_timeout': duration(5_000, { above: 'gt 0' }),
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof keys;

type Loaded = { text: string; list: readonly string[]; flag: boolean; whole: number; duration: number };

/** A proxy's settings, with every key. */
export type ProxyValues = { readonly [K in KeyName]: Loaded[(typeof keys)[K]['kind']] };
