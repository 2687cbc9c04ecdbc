// The relay's configuration: kaf-relay's keys with their meanings, and ours. config-files.ts reads the files.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { secretOf } from '../../core/access/secrets.js';
import { goDuration } from '../../core/go-duration.js';
import { longestMs } from '../../core/longest.js';
import { budgetOf } from '../../core/memory/memory-shares.js';
import { fail } from '../../errors.js';
import type { BackoffSettings } from '../backoff.js';
import { type FilterConfig, filterSection } from './filter-config.js';
import { type StartAt, startAtOf } from './start-at.js';
import { buildTopicMap, type Mapping } from './topic-map.js';

/** Command-line options; they override files. */
export interface RelayFlags {
  readonly mode?: string;
  readonly stopAtEnd?: boolean | undefined;
  /** `source:target[:partition]`, each replacing the file's entry of the same source topic. */
  readonly topic?: readonly string[];
  /** Filter modules for every topic. */
  readonly filter?: readonly string[];
  /** Source topics whose recorded progress is forgotten: they are relayed again from their beginning. */
  readonly restartTopic?: readonly string[];
  /** `topic:partition:offset`: go on there, whatever is recorded. */
  readonly startAt?: readonly string[];
}

/** A required value: absent, empty and 0 are the same error, as in kaf-relay. */
const must = <T extends z.ZodType>(type: T) =>
  z.preprocess((value) => (value === '' || value === 0 || value === '0' || value === '0s' ? undefined : value), type);

const duration = (minMs: number, maxMs = longestMs) =>
  z.string().transform((text, context) => {
    const ms = tryDuration(text);
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms;
    const range = maxMs < longestMs ? `${minMs} ms to ${maxMs} ms` : `at least ${minMs} ms, at most 24 days`;
    context.addIssue({ code: 'custom', message: `'${text}' is not a duration such as "20ms", "2s" (${range})` });
    return z.NEVER;
  });

function tryDuration(text: string): number | undefined {
  try {
    return goDuration(text);
  } catch {
    return undefined;
  }
}

const retries = must(z.int().min(-1));
const text = z.string().default('');

const connection = {
  name: text,
  servers: must(z.array(z.string().min(1)).nonempty()),
  enable_auth: z.boolean().default(false),
  sasl_mechanism: text,
  username: text,
  password: text,
  password_file: text,
  enable_tls: z.boolean().default(false),
  ca_cert_path: text,
  client_cert_path: text,
  client_key_path: text,
  enable_log: z.boolean().default(false),
};

const backoff = {
  backoff_enable: z.boolean().default(false),
  backoff_min: must(duration(0)),
  backoff_max: must(duration(0)),
};

const appSection = z.object({
  log_level: must(z.string().refine((level) => pinoLevel(level) !== undefined, 'use DEBUG, INFO, WARN or ERROR')),
  metrics_server_addr: must(z.string()),
});

const poolSection = z.object({
  initial_offset: text,
  healthcheck_interval: must(duration(1)),
  offset_lag_threshold: must(z.int().min(1)),
  max_retries: retries,
  ...backoff,
  request_timeout: must(duration(10)),
  randomize_initial: z.boolean().default(false),
  stop_at_end_timeout: duration(1).optional(),
  isolation_level: z.enum(['read_committed', 'read_uncommitted']).default('read_committed'),
});

const sourceSection = z.object({
  ...connection,
  session_timeout: z.preprocess(
    (value) => (value === '' || value === 0 || value === '0s' ? undefined : value),
    duration(100).default(0),
  ),
  max_wait_time: z.unknown().optional(),
  max_failovers: z.unknown().optional(),
});

const targetSection = z.object({
  ...connection,
  session_timeout: must(duration(1_000)),
  enable_idempotency: z.boolean().default(false),
  commit_ack_type: z.string().default('cluster'),
  max_retries: retries,
  flush_frequency: must(duration(0, 60_000)),
  flush_batch_size: must(z.int().min(1)),
  batch_size: z.int().min(0).default(0),
  buffer_size: z.int().min(0).default(0),
  max_message_bytes: must(z.int().min(512)),
  compression: text,
  ...backoff,
  request_timeout: must(duration(10)),
  exactly_once: z.boolean().optional(),
  preserve_timestamp: z.boolean().default(true),
  create_topics: z.boolean().default(false),
  oversize: z.enum(['stop', 'skip']).default('stop'),
  invalid: z.enum(['stop', 'skip']).default('stop'),
  checkpoint_topic: z.string().min(1).default('rafka-relay-checkpoints'),
  buffer_bytes: z.int().min(1_048_576).optional(),
  transaction_records: z.int().min(1).default(10_000),
  transaction_interval: duration(1, 30_000).default(100),
  transaction_timeout: duration(1_000, 900_000).default(60_000),
});

/** One file, or a `relay` section of the gateway's own configuration. */
export const relaySection = z.object({
  mode: z.string().optional(),
  'stop-at-end': z.boolean().optional(),
  topic: z.union([z.string(), z.array(z.string())]).optional(),
  app: appSection,
  topics: z.unknown().optional(),
  skip_origin: z.boolean().default(false),
  source_pool: poolSection,
  sources: must(z.array(sourceSection).nonempty()),
  target: targetSection,
  filters: z.record(z.string(), filterSection).default({}),
});

export type ServerConfig = z.infer<typeof sourceSection>;
export type TargetConfig = z.infer<typeof targetSection> & {
  readonly exactlyOnce: boolean;
  readonly buffer_bytes: number;
};
export type PoolConfig = z.infer<typeof poolSection>;

export interface RelayConfig {
  readonly mode: 'single' | 'failover';
  readonly stopAtEnd: boolean;
  readonly app: z.infer<typeof appSection>;
  readonly topics: readonly Mapping[];
  readonly restartTopics: ReadonlySet<string>;
  readonly startAt: StartAt;
  /** Messages that come from the target's cluster are left out, and copies say where they come from. */
  readonly skipOrigin: boolean;
  readonly pool: PoolConfig;
  readonly sources: readonly ServerConfig[];
  readonly target: TargetConfig;
  readonly filters: readonly FilterConfig[];
}

/** Validates files and flags. @param memoryBytes what the process may use; absent: plenty. @throws GatewayError `relay-config`, naming the key. */
export function resolveRelayConfig(raw: unknown, flags: RelayFlags, memoryBytes?: number): RelayConfig {
  const parsed = relaySection.safeParse(raw);
  if (!parsed.success) throw fail('relay-config', describeIssues(parsed.error));
  const file = parsed.data;
  const mode = flags.mode ?? file.mode ?? 'single';
  if (mode !== 'single' && mode !== 'failover') throw fail('relay-config', `--mode ${mode}: use single or failover`);
  const topics = buildTopicMap(file.topics, [...[file.topic ?? []].flat(), ...(flags.topic ?? [])]);
  if (topics.length === 0) throw fail('relay-config', 'no topic map specified: fill [topics] or use --topic');
  return {
    mode,
    stopAtEnd: flags.stopAtEnd ?? file['stop-at-end'] ?? false,
    app: file.app,
    topics,
    restartTopics: checkRestart(flags.restartTopic ?? [], topics),
    startAt: startAtOf(flags.startAt ?? [], topics),
    skipOrigin: file.skip_origin,
    pool: file.source_pool,
    sources: file.sources.map((source, index) => withPassword(source, `sources[${index}]`)),
    target: {
      ...withPassword(file.target, 'target'),
      exactlyOnce: decideExactlyOnce(file.target),
      buffer_bytes: file.target.buffer_bytes ?? budgetOf('relayBuffer', memoryBytes, topics.length),
    },
    filters: [...filtersOf(file.filters), ...(flags.filter ?? []).map(filterOfFlag)],
  };
}

/** The password that stands in a file of its own. @throws GatewayError `relay-config` */
function withPassword<T extends { password: string; password_file: string }>(section: T, where: string): T {
  const { password, password_file: path } = section;
  if (path === '') return section;
  if (password !== '') throw fail('relay-config', `${where}: set password or password_file, not both`);
  try {
    return { ...section, password: secretOf('password_file', path, (file) => readFileSync(file, 'utf8')) };
  } catch (error) {
    throw fail('relay-config', `${where}.${(error as Error).message}`);
  }
}

/** tcp and leader are kaf-relay's names for acks 0 and 1; anything else means all. */
export const acksOf = (target: { commit_ack_type: string }): 0 | 1 | -1 =>
  target.commit_ack_type === 'tcp' ? 0 : target.commit_ack_type === 'leader' ? 1 : -1;

export const backoffOf = (section: PoolConfig | TargetConfig): BackoffSettings => ({
  enabled: section.backoff_enable,
  minMs: section.backoff_min,
  maxMs: section.backoff_max,
});

/** Transactions need acks from all replicas and idempotence; on by default if both are set. */
function decideExactlyOnce(target: z.infer<typeof targetSection>): boolean {
  const possible = acksOf(target) === -1 && target.enable_idempotency;
  if (acksOf(target) !== -1 && target.enable_idempotency) {
    throw fail(
      'relay-config',
      `target.enable_idempotency needs commit_ack_type = "cluster", not "${target.commit_ack_type}"`,
    );
  }
  if (target.exactly_once && !possible) {
    throw fail('relay-config', 'target.exactly_once needs commit_ack_type = "cluster" and enable_idempotency = true');
  }
  return target.exactly_once ?? possible;
}

function checkRestart(names: readonly string[], topics: readonly Mapping[]): ReadonlySet<string> {
  for (const name of names) {
    if (!topics.some((mapping) => mapping.source === name)) {
      throw fail('relay-config', `--restart-topic ${name}: no such source topic in the topic map`);
    }
  }
  return new Set(names);
}

const filtersOf = (filters: Record<string, z.infer<typeof filterSection>>): FilterConfig[] =>
  Object.entries(filters)
    .filter(([, filter]) => filter.enabled)
    .map(([id, filter]) => ({ ...filter, id }));

const filterOfFlag = (path: string): FilterConfig => ({
  ...filterSection.parse({ enabled: true, path }),
  id: undefined,
});

/** slog's levels (`INFO`, `warn+2`) as pino's; undefined for an unknown one. */
export function pinoLevel(level: string): 'debug' | 'info' | 'warn' | 'error' | undefined {
  const found = /^(debug|info|warn|error)([+-]\d+)?$/i.exec(level);
  if (!found) return undefined;
  const value = { debug: -4, info: 0, warn: 4, error: 8 }[found[1]!.toLowerCase()]! + Number(found[2] ?? 0);
  return value <= -4 ? 'debug' : value <= 0 ? 'info' : value <= 4 ? 'warn' : 'error';
}

function describeIssues(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const key = issue.path.reduce<string>(
        (path, step) =>
          typeof step === 'number' ? `${path}[${step}]` : path ? `${path}.${String(step)}` : String(step),
        '',
      );
      const missing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
      return missing ? `${key} must be set (absent, empty and 0 are refused)` : `${key}: ${issue.message}`;
    })
    .join('; ');
}
