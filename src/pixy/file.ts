// Kafka-Pixy's own configuration file: YAML to validated values, with its defaults and its error texts.
import { type Document, parseDocument } from 'yaml';
import { goDuration } from '../core/go-duration.js';
import { longestMs, tooLong } from '../core/longest.js';
import { type Key, type KeyName, keys, type ProxyValues } from './keys.js';

export interface PixyProxy {
  readonly name: string;
  readonly values: ProxyValues;
  /** kafka.version was given: only then may it exclude record headers. */
  readonly versionGiven: boolean;
}

export interface PixyFile {
  /** Empty: off. */
  readonly grpcAddr: string;
  readonly tcpAddr: string;
  readonly unixAddr: string;
  /** Health, metrics and the console on a port of their own: ours, upstream has none. */
  readonly opsAddr: string;
  /** In the file's order. */
  readonly proxies: readonly PixyProxy[];
  readonly defaultCluster: string;
  readonly tls: { readonly certificatePath: string; readonly keyPath: string };
  readonly access: PixyAccess;
  /** Keys without effect, known or not, for the log. */
  readonly warnings: readonly string[];
}

/** Access control: ours, upstream has none. */
interface PixyAccess {
  readonly usersFile: string | undefined;
  /** Password of the default user. */
  readonly requirepass: string | undefined;
  /** Names the file that holds it. */
  readonly requirepassFile: string | undefined;
  /** Without users, refuse clients of other machines. */
  readonly protectedMode: boolean;
  readonly allowedHosts: readonly string[];
}

/** Its text is shown to the user. */
export class PixyConfigError extends Error {}

/** Overrides the file's: from the command line, for the default cluster. */
export type ProxyOverrides = Partial<Record<KeyName, unknown>>;

type Tree = ReadonlyMap<unknown, unknown>;

const accessKeys = ['users_file', 'requirepass', 'requirepass_file', 'protected_mode', 'allowed_hosts'];
const topKeys = new Set([
  ...['grpc_addr', 'tcp_addr', 'unix_addr', 'ops_addr', 'proxies', 'default_cluster', 'tls', 'logging'],
  ...accessKeys,
]);

/** @param text the file; undefined: built-in defaults, with one cluster named `default`. @throws PixyConfigError */
export function loadPixyFile(text: string | undefined, overrides: ProxyOverrides = {}): PixyFile {
  const tree = text === undefined ? new Map([['proxies', new Map([['default', new Map()]])]]) : parseYaml(text);
  const warnings: string[] = [...tree.keys()].filter((key) => !topKeys.has(String(key))).map(unknownKey);
  if (tree.has('logging')) warnings.push('logging is ignored: the log is JSON on stderr');
  const proxies = asTree(tree.get('proxies'), 'proxies');
  if (proxies.size === 0) throw new PixyConfigError('invalid config parameter: at least on proxy must be configured');
  const names = [...proxies.keys()].map(String);
  const defaultCluster = String(tree.get('default_cluster') ?? names[0]);
  if (!names.includes(defaultCluster))
    throw new PixyConfigError(`invalid config parameter: default_cluster ${defaultCluster} is not among the proxies`);
  const tls = asTree(tree.get('tls'), 'tls');
  return {
    grpcAddr: address(tree, 'grpc_addr', '0.0.0.0:19091'),
    tcpAddr: address(tree, 'tcp_addr', '0.0.0.0:19092'),
    unixAddr: address(tree, 'unix_addr', ''),
    opsAddr: address(tree, 'ops_addr', ''),
    proxies: [...proxies].map(([name, proxy]) => {
      const over = name === defaultCluster ? overrides : {};
      return loadProxy(String(name), asTree(proxy, `proxies.${name}`), over, warnings);
    }),
    defaultCluster,
    tls: { certificatePath: String(tls.get('certificate_path') ?? ''), keyPath: String(tls.get('key_path') ?? '') },
    access: accessOf(tree),
    warnings,
  };
}

function accessOf(tree: Tree): PixyAccess {
  const [usersFile, requirepass, requirepassFile] = ['users_file', 'requirepass', 'requirepass_file'].map((key) => {
    const value = tree.get(key) ?? undefined;
    // Its value may be a password: it is not shown.
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new PixyConfigError(`failed to parse config: ${key}: must be a text that is not empty; put it in quotes`);
    return value;
  });
  const protectedMode = tree.get('protected_mode') ?? true;
  if (typeof protectedMode !== 'boolean') throw unfit('protected_mode', protectedMode, 'flag');
  const allowedHosts: unknown = tree.get('allowed_hosts') ?? [];
  if (!Array.isArray(allowedHosts)) throw unfit('allowed_hosts', allowedHosts, 'list');
  return { usersFile, requirepass, requirepassFile, protectedMode, allowedHosts: allowedHosts.map(String) };
}

const unfit = (key: string, value: unknown, kind: string): PixyConfigError =>
  new PixyConfigError(`failed to parse config: ${key}: ${JSON.stringify(value)} is not a ${kind}`);

function parseYaml(text: string): Tree {
  // Without the line itself, which may hold a password.
  const document: Document = parseDocument(text, { prettyErrors: false });
  const problem = document.errors[0];
  if (problem) throw new PixyConfigError(`failed to parse config: ${problem.message}`);
  return asTree(document.toJS({ mapAsMap: true }), 'the file');
}

function asTree(value: unknown, where: string): Tree {
  if (value === undefined || value === null) return new Map();
  if (value instanceof Map) return value;
  throw new PixyConfigError(`failed to parse config: ${where} must be a map`);
}

const address = (tree: Tree, key: string, fallback: string): string =>
  tree.has(key) ? String(tree.get(key) ?? '') : fallback;

const unknownKey = (key: unknown): string => `${key} is not a known key`;

function loadProxy(name: string, tree: Tree, overrides: ProxyOverrides, warnings: string[]): PixyProxy {
  const given = new Map(flatten(tree, ''));
  for (const [key, value] of Object.entries(overrides)) given.set(key, value);
  for (const key of given.keys()) {
    if (!(key in keys)) warnings.push(`proxies.${name}.${unknownKey(key)}`);
    else if ((keys[key as KeyName] as Key).ignored) warnings.push(`proxies.${name}.${key} has no effect`);
  }
  const values = Object.fromEntries(
    Object.entries(keys).map(([key, rule]) => [key, read(key, rule, given.get(key), name)]),
  );
  return { name, values: values as ProxyValues, versionGiven: (given.get('kafka.version') ?? '') !== '' };
}

function* flatten(tree: Tree, prefix: string): Iterable<[string, unknown]> {
  for (const [key, value] of tree) {
    const path = `${prefix}${key}`;
    if (value instanceof Map) yield* flatten(value, `${path}.`);
    else yield [path, value];
  }
}

function read(key: string, rule: Key, given: unknown, cluster: string): unknown {
  const value = given === undefined || given === null ? rule.fallback : convert(key, rule, given);
  if (rule.oneOf && !rule.oneOf.includes(String(value)))
    throw new PixyConfigError(`failed to parse config: bad ${key.replace(/[._]/g, ' ')}, ${value}`);
  if (rule.above && !holds(rule.above, value as number)) {
    const sign = rule.above.replace('gt', '>').replace('ge', '>=');
    throw new PixyConfigError(
      `invalid config parameter: invalid config, cluster=${cluster}: ${rule.shownAs ?? key} must be ${sign}`,
    );
  }
  return value;
}

function holds(rule: NonNullable<Key['above']>, value: number): boolean {
  if (rule === 'gt 0') return value > 0;
  return rule === 'ge 0' ? value >= 0 : value >= -1;
}

function convert(key: string, { kind }: Key, given: unknown): unknown {
  const refuse = (): never => {
    throw unfit(key, given, kind);
  };
  switch (kind) {
    case 'text':
      return String(given);
    case 'list':
      return Array.isArray(given) ? given.map(String) : refuse();
    case 'flag':
      return typeof given === 'boolean' ? given : refuse();
    case 'whole':
      return Number.isSafeInteger(given) ? given : refuse();
    case 'duration':
      return inTime(key, typeof given === 'number' ? given / 1e6 : duration(key, String(given)));
  }
}

function inTime(key: string, ms: number): number {
  if (ms > longestMs) throw new PixyConfigError(`failed to parse config: ${key}: ${ms} ms: ${tooLong}`);
  return ms;
}

function duration(key: string, text: string): number {
  try {
    return goDuration(text);
  } catch (error) {
    throw new PixyConfigError(`failed to parse config: ${key}: ${(error as Error).message}`);
  }
}
