// The configuration: one JSON file, RAFKA_* variables and flags, validated by the sections' schemas. A plain Rafka file is valid.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { secretOf, secretProperties, withSecrets } from '../core/access/secrets.js';
import { longestMs, tooLong } from '../core/longest.js';
import { nearest } from '../core/nearest.js';
import type { Properties } from '../core/ports.js';
import { grpcConfig } from '../grpc/config.js';
import { httpConfig, opsConfig } from '../http/config.js';
import { poolConfig } from '../pixy/config.js';
import { respConfig } from '../resp/config.js';
import { isProxy, proxyFrom, redisOptions, risSchema } from '../ris/config.js';
import { environmentName, ownVariables, propertyPath, propertySections, shortNames } from './environment.js';
import { type MemoryBudgets, memoryDefaults, readAheadProperties } from './memory-defaults.js';
import { goingKeys, renamedKeys, takeOldKeys, withdrawnKeys } from './old-keys.js';

/** The warning whenever the embedded Kafka starts. */
export const embeddedWarning =
  'EMBEDDED KAFKA: it runs inside this process, in memory, and nothing is kept when it ends. ' +
  'For a Kafka of your own: --brokers <host:port,...> or -c <file>';

/** librdkafka properties as users write them; librdkafka validates them. */
const properties = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number, true or false'))
  .default({});

const kafkaSections = { general: properties, consumer: properties, producer: properties };

const schema = z.strictObject({
  ...kafkaSections,
  embedded: z
    .boolean()
    .optional()
    .describe(
      'Run Kafka inside this process, in memory: nothing is kept when it ends. Absent: only without a file and brokers, and not with NODE_ENV=production',
    ),
  /** More clusters, by name, for listeners that can choose one. */
  clusters: z.record(z.string(), z.strictObject(kafkaSections)).default({}),
  resp: respConfig,
  http: httpConfig,
  grpc: grpcConfig,
  /** How http and grpc clients share a group's messages. */
  pool: poolConfig,
  ops: opsConfig,
  /** The relay inside this process: kaf-relay's keys; relay/config/config.ts validates them. */
  relay: z.record(z.string(), z.unknown()).optional(),
  /** The RIS worker inside this process. */
  ris: risSchema.optional(),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
        .default('info')
        .describe('Minimum severity of logged lines'),
      pretty: z.boolean().optional().describe('Human-readable lines instead of JSON; absent: on a terminal'),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      timeoutMs: z
        .int()
        .min(1)
        .max(longestMs, tooLong)
        .default(8_000)
        .describe('Time limit of a shutdown; beyond it the process ends at once with exit code 1'),
    })
    .prefault({}),
});

export type Config = z.infer<typeof schema> & {
  /** Kafka runs in this process. */
  readonly embedded: boolean;
  /** What the log says of keys of earlier versions. */
  readonly warnings: readonly string[];
  /** Absent: plenty. */
  readonly memory?: MemoryBudgets;
};

/** Its text is shown to the user; exit code 1. */
export class ConfigError extends Error {}

/** A value with the path of its key, dotted or in its parts, e.g. from a flag. */
export type Setting = readonly [path: string | readonly string[], value: unknown];

export interface ConfigSources {
  /** The JSON file; absent: the embedded Kafka. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: readonly Setting[];
  /** The job needs no Kafka. */
  readonly offline?: boolean;
  /** What the process may use, bytes; absent: plenty. */
  readonly memoryBytes?: number;
}

/** Loads and validates it: flag over variable over file over default. @throws ConfigError naming the key, the value and the fix. */
export async function loadConfig({ file, env, flags, offline = false, memoryBytes }: ConfigSources): Promise<Config> {
  const tree = file === undefined ? {} : await readJson(file);
  for (const [path, value] of [...environmentSettings(env, tree), ...flags]) {
    const parts = typeof path === 'string' ? partsOf(path) : path;
    if (parts.length === 2 && parts[0] === 'general' && brokersKeys.includes(parts[1]!)) {
      checkBrokers(parts.join('.'), String(value));
      forgetBrokers(tree);
    }
    assign(tree, parts, value);
  }
  const warnings = takeOldKeys(tree);
  const memory = memoryBytes === undefined ? undefined : memoryDefaults(tree, memoryBytes);
  for (const [path, bytes] of Object.entries(memory?.lowered ?? {})) assign(tree, partsOf(path), bytes);
  const result = schema.safeParse(tree);
  if (!result.success) throw new ConfigError(result.error.issues.map((issue) => explain(issue, file)).join('\n'));
  const config = withReadAhead(withProxy(withSecretsRead(result.data), env), memoryBytes);
  const embedded = isEmbedded(config, file);
  if (embedded && config.embedded === undefined && env.NODE_ENV === 'production' && !offline)
    throw new ConfigError(notInProduction);
  return { ...config, embedded, warnings, ...(memory ? { memory } : {}) };
}

/** @throws ConfigError naming the key */
function withSecretsRead(config: z.infer<typeof schema>): z.infer<typeof schema> {
  const read = (path: string): string => readFileSync(path, 'utf8');
  const within = <T extends Record<string, unknown>>(path: string, table: T, keys: readonly string[]): T => {
    try {
      return withSecrets(table, keys, read);
    } catch (error) {
      throw new ConfigError(`${path}.${(error as Error).message}`);
    }
  };
  const kafka = <T extends Record<'general' | 'consumer' | 'producer', Properties>>(sections: T, path = ''): T => ({
    ...sections,
    general: within(`${path}general`, sections.general, secretProperties),
    consumer: within(`${path}consumer`, sections.consumer, secretProperties),
    producer: within(`${path}producer`, sections.producer, secretProperties),
  });
  const { ris } = config;
  return {
    ...kafka(config),
    clusters: Object.fromEntries(
      Object.entries(config.clusters).map(([name, sections]) => [name, kafka(sections, `clusters.${name}.`)]),
    ),
    resp: within('resp', config.resp, ['requirepass']),
    // Its default is not one that somebody has set.
    ...(ris?.redisFile === undefined ? {} : { ris: { ...ris, redis: redisFrom(ris.redisFile, read) } }),
  };
}

/** Consumers of every cluster read less ahead where memory is little. */
function withReadAhead(config: z.infer<typeof schema>, memoryBytes: number | undefined): z.infer<typeof schema> {
  const limits = readAheadProperties(memoryBytes);
  if (Object.keys(limits).length === 0) return config;
  const within = <T extends { general: Properties; consumer: Properties }>(sections: T): T => {
    const left = Object.entries(limits).filter(([key]) => !(key in sections.general));
    return { ...sections, consumer: { ...Object.fromEntries(left), ...sections.consumer } };
  };
  const clusters = Object.entries(config.clusters).map(([name, sections]) => [name, within(sections)]);
  return { ...within(config), clusters: Object.fromEntries(clusters) };
}

/** The variables that other programs take for it as well. @throws ConfigError */
function withProxy(config: z.infer<typeof schema>, env: ConfigSources['env']): z.infer<typeof schema> {
  const { ris } = config;
  if (!ris || ris.proxy !== undefined) return config;
  const proxy = proxyFrom(env, ris.url);
  if (proxy === undefined) return config;
  if (!isProxy(proxy)) throw new ConfigError('HTTPS_PROXY or HTTP_PROXY is no http://[user:password@]host:port');
  return { ...config, ris: { ...ris, proxy } };
}

function redisFrom(path: string, read: (path: string) => string): string {
  try {
    const url = secretOf('redisFile', path, read);
    redisOptions(url);
    return url;
  } catch (error) {
    throw new ConfigError(`ris.${(error as Error).message}`);
  }
}

/** librdkafka has two names for them. */
const brokersKeys = ['bootstrap.servers', 'metadata.broker.list'];

const notInProduction =
  'NODE_ENV is production, and no Kafka is configured: the embedded one keeps nothing when it ends. ' +
  'Name yours with -c <file>, --brokers <host:port,...> or RAFKA_BROKERS. If the embedded one is meant: --embedded';

/** @throws ConfigError if the embedded Kafka is requested and another one is named. */
function isEmbedded({ embedded, ...sections }: z.infer<typeof schema>, file: string | undefined): boolean {
  const named = [sections.general, sections.consumer, sections.producer]
    .flatMap((section) => brokersKeys.map((key) => section[key]))
    .find((brokers) => brokers !== undefined && brokers !== '');
  if (embedded === undefined) return file === undefined && named === undefined;
  if (embedded && named !== undefined)
    throw new ConfigError(`embedded: the configuration names the brokers ${named} as well: leave one of them out`);
  return embedded;
}

/** librdkafka would wait forever for an empty list. @throws ConfigError */
function checkBrokers(path: string, list: string): void {
  const brokers = list.split(',').map((broker) => broker.trim());
  const bad = brokers.find((broker) => broker === '' || /[\s'"]/.test(broker));
  if (bad !== undefined) throw new ConfigError(`${path}: '${bad}' in '${list}' is no broker: use host:port,host:port`);
}

/** These brokers override every other place that may name brokers. */
function forgetBrokers(tree: Record<string, unknown>): void {
  for (const name of propertySections) {
    const section = tree[name];
    if (isTree(section)) for (const key of brokersKeys) delete section[key];
  }
}

async function readJson(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError(`cannot read the configuration ${file}: ${error.message}`);
  });
  try {
    const value: unknown = JSON.parse(text);
    if (isTree(value)) return value;
  } catch (error) {
    throw new ConfigError(`${file} is not JSON: ${(error as Error).message}`);
  }
  throw new ConfigError(`${file} must hold a JSON object`);
}

/** One key with a single value: what a flag or a variable can set. */
export interface SettingType {
  /** Without its default. */
  readonly type: z.ZodType;
  readonly default: unknown;
  readonly description: string | undefined;
}

/** The documented keys with a single value: all but those that are going. */
export function presentSettings(): Map<string, SettingType> {
  return new Map([...settingTypes()].filter(([path]) => !goingKeys.has(path)));
}

/** Every key with a single value, by dotted path. */
export function settingTypes(): Map<string, SettingType> {
  const found = new Map<string, SettingType>();
  const walk = (type: z.ZodType, path: string): void => {
    const inner = unwrap(type);
    if (inner instanceof z.ZodObject) {
      for (const [key, child] of Object.entries(inner.shape)) walk(child as z.ZodType, path ? `${path}.${key}` : key);
    } else if (!(inner instanceof z.ZodRecord)) {
      found.set(path, { type: inner, default: defaultOf(type), description: type.description ?? inner.description });
    }
  };
  walk(schema, '');
  return found;
}

/** For commands that use none of them. @throws ConfigError for unknown RAFKA_* variables, with the nearest name */
export function checkVariables(env: ConfigSources['env']): void {
  environmentSettings(env, {});
}

/** Short names first: the full one overrides. @throws ConfigError for unknown variables, with the nearest name. */
function environmentSettings(env: ConfigSources['env'], tree: Record<string, unknown>): Setting[] {
  const short: Setting[] = [];
  const settings: Setting[] = [];
  const unknown: string[] = [];
  const types = settingTypes();
  const keys = new Map([...types].map(([path, { type }]) => [environmentName(path), { path, type }]));
  for (const path of [...Object.keys(renamedKeys), ...Object.keys(withdrawnKeys)])
    keys.set(environmentName(path), { path, type: types.get(renamedKeys[path] ?? '')?.type ?? z.string() });
  const clusters = isTree(tree.clusters) ? Object.keys(tree.clusters) : [];
  for (const [name, text] of ownVariables(env)) {
    const key = keys.get(name);
    const path = propertyPath(name, clusters);
    if (name in shortNames) short.push(...(text === '' ? [] : [[shortNames[name]!, text] as const]));
    else if (key) settings.push([key.path, fromText(key.type, text)]);
    else if (path) settings.push([path, text]);
    else
      unknown.push(
        `unknown variable ${name}: did you mean ${nearest(name, [...keys.keys(), ...Object.keys(shortNames)])}?`,
      );
  }
  if (unknown.length > 0) throw new ConfigError(unknown.join('\n'));
  return [...short, ...settings];
}

/** The text of a flag or variable as the key's type; what does not parse is left for the schema to refuse. */
export function fromText(type: z.ZodType, text: string): unknown {
  const inner = unwrap(type);
  if (inner instanceof z.ZodNumber) return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  if (inner instanceof z.ZodBoolean)
    return ({ true: true, '1': true, false: false, '0': false } as const)[text] ?? text;
  if (inner instanceof z.ZodArray) return text.split(',');
  return text;
}

function defaultOf(type: z.ZodType): unknown {
  return type instanceof z.ZodDefault ? type.def.defaultValue : undefined;
}

function unwrap(type: z.ZodType): z.ZodType {
  let inner = type;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** A librdkafka key is one part, including its dots. */
function partsOf(path: string): readonly string[] {
  const dot = path.indexOf('.');
  const section = path.slice(0, dot);
  return propertySections.includes(section) ? [section, path.slice(dot + 1)] : path.split('.');
}

function assign(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const child = tree[key];
  const next = isTree(child) ? child : {};
  tree[key] = next;
  assign(next, rest, value);
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function explain(issue: z.core.$ZodIssue, file = 'the configuration'): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${file}: ${path || 'the file'}: ${issue.message}`;
  const known = [...settingTypes().keys(), ...propertySections, 'clusters'];
  return issue.keys
    .map((key) => {
      const full = path ? `${path}.${key}` : key;
      return `${file}: unknown key ${full}: did you mean ${nearest(full, known)}?`;
    })
    .join('\n');
}
