// From a job's command line to its configuration: the same for running it, for `rafka check` and for `rafka health`.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, ConfigError, checkVariables, loadConfig, type Setting } from '../app/config.js';
import { gatewayFlags } from '../app/flags.js';
import { secretOf } from '../core/access/secrets.js';
import { loadPixy, type PixyFlags } from '../pixy/command.js';
import type { PixyFile } from '../pixy/file.js';
import type { RelayConfig, RelayFlags } from '../relay/config/config.js';
import type { RisConfig } from '../ris/config.js';
import { flagSettings, risSettings } from './forms.js';
import { memoryLimit } from './memory-limit.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface RelayJob {
  readonly config: RelayConfig;
  /** Unknown keys of the files. */
  readonly unknownKeys: readonly string[];
}

export interface RisJob {
  readonly config: Config;
  readonly section: RisConfig;
}

/** @param offline no Kafka is needed. @throws ConfigError */
export async function loadGateway(command: Command, env: Environment, offline = false): Promise<Config> {
  const { config: file } = command.opts<{ config?: string }>();
  const flags = flagSettings(command, gatewayFlags);
  return loadConfig({ ...sourceOf(file), env, flags, offline, memoryBytes: memoryLimit(env) });
}

/** RIS_HOST is the variable of container files for the collectors; a flag overrides it. @throws ConfigError */
export async function loadRis(command: Command, env: Environment, offline = false): Promise<RisJob> {
  const { config: file, dryRun: isDry = false } = command.opts<{ config?: string; dryRun?: boolean }>();
  // A file is converted whatever its collectors.
  const anyHost = env.RIS_HOST || (isDry ? 'all' : '');
  const host: Setting[] = anyHost === '' ? [] : [['ris.host', anyHost]];
  const flags = [...host, ...flagSettings(command, risSettings)];
  const memoryBytes = memoryLimit(env);
  const config = await loadConfig({ ...sourceOf(file), env, flags, offline: offline || isDry, memoryBytes });
  if (!config.ris) throw new ConfigError('which collectors? Say --host rrc00,rrc13 or --host all, or set RIS_HOST');
  return { config, section: config.ris };
}

/** @throws ConfigError, PixyConfigError */
export function loadPixyJob(command: Command, env: Environment): PixyFile {
  const { config, ...flags } = command.opts<PixyFlags & { config?: string }>();
  checkVariables(env);
  const passwordFile = env.RAFKA_RESP_REQUIREPASS_FILE || env.RAFKA_PASSWORD_FILE;
  const given = env.RAFKA_RESP_REQUIREPASS || env.RAFKA_PASSWORD;
  const file = loadPixy(config === undefined ? undefined : readPixyFile(config), flags, {
    password: given || (passwordFile ? secret('RAFKA_PASSWORD_FILE', passwordFile) : undefined),
    usersFile: env.RAFKA_RESP_USERS_FILE,
  });
  return withPixySecrets(file);
}

/** The secrets that stand in files of their own. */
function withPixySecrets(file: PixyFile): PixyFile {
  const { requirepass, requirepassFile: path } = file.access;
  const password = requirepass ?? (path === undefined ? undefined : secret('requirepass_file', path));
  const proxies = file.proxies.map((proxy) => {
    const of = proxy.values['net.sasl.password_file'];
    if (of === '') return proxy;
    const read = secret(`proxies.${proxy.name}.net.sasl.password_file`, of);
    return { ...proxy, values: { ...proxy.values, 'net.sasl.password': read } };
  });
  return { ...file, access: { ...file.access, requirepass: password }, proxies };
}

function secret(key: string, path: string): string {
  try {
    return secretOf(key, path, (file) => readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`failed to parse config: ${(error as Error).message}`);
  }
}

/** @throws ConfigError, GatewayError `relay-config` */
export async function loadRelay(command: Command, env: Environment): Promise<RelayJob> {
  const { config: files = ['config.toml'], ...flags } = command.opts<RelayFlags & { config?: string[] }>();
  const { loadRelayConfig } = await import('../relay/config/config-files.js');
  checkVariables(env);
  return loadRelayConfig(files, flags, memoryLimit(env));
}

const sourceOf = (file: string | undefined) => (file === undefined ? {} : { file });

function readPixyFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`failed to parse config: ${(error as Error).message}`);
  }
}
