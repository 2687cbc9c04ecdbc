// `rafka check`: loads a job's configuration as the job would, tries what it names, and prints a table of the findings.
import type { Command } from 'commander';
import { type Config, embeddedWarning } from '../app/config.js';
import { exposure } from '../core/access/protected-mode.js';
import type { Log } from '../log.js';
import type { PixyFile } from '../pixy/file.js';
import { setupProxy } from '../pixy/proxy-settings.js';
import type { RelayConfig } from '../relay/config/config.js';
import { parseListenAddress } from '../relay/config/listen-address.js';
import { connectionProperties } from '../relay/config/properties.js';
import { checkAddress, checkSocketPath, checkTls, checkUsers } from './check-files.js';
import { checkCluster } from './check-kafka.js';
import { type Finding, failed, ok, step, warn } from './findings.js';
import type { Job } from './forms.js';
import { type Environment, loadGateway, loadPixyJob, loadRelay, loadRis } from './load.js';
import { splitAddress } from './split-address.js';

/** Time limit for Redis, ms. */
const redisMs = 3_000;

export interface CheckOptions {
  /** With the job's own options, parsed. */
  readonly command: Command;
  readonly env: Environment;
  /** ms since the epoch. */
  readonly now: number;
  /** Log of the Kafka clients: their errors are in the table already. */
  readonly log: Log;
}

const checks: Readonly<Record<Job, (options: CheckOptions) => Promise<Finding[]>>> = {
  async gateway({ command, env, now, log }) {
    const config = await loadGateway(command, env);
    return [
      loaded,
      ...(await listening(config, now)),
      ...(await clusters(config, now, log)),
      ...(await parts(config, now, log)),
    ];
  },
  async ris({ command, env, now, log }) {
    const { config } = await loadRis(command, env);
    const { ops } = config;
    const found = [loaded, ...(await clusters({ ...config, clusters: {} }, now, log)), ...(await redis(config))];
    return ops ? [...found, await checkAddress('ops port', ops.host, ops.port)] : found;
  },
  async pixy({ command, env, now, log }) {
    const file = loadPixyJob(command, env);
    return [
      loaded,
      ...file.warnings.map((line) => warn('configuration', line)),
      ...(await pixyFindings(file, now, log)),
    ];
  },
  async relay({ command, env, now, log }) {
    const { config, unknownKeys } = await loadRelay(command, env);
    const unknown = unknownKeys.map((key) => warn('configuration', `${key} has no meaning`));
    return [loaded, ...unknown, ...(await relayFindings(config, now, log))];
  },
};

const loaded = ok('configuration', 'is valid');

/** Never rejects for a wrong configuration: that is a finding. */
export async function check(job: Job, options: CheckOptions): Promise<Finding[]> {
  try {
    return await checks[job](options);
  } catch (error) {
    const { message, name } = error as Error;
    if (!(error instanceof Error) || name === 'TypeError') throw error;
    return message.split('\n').map((line) => failed('configuration', line));
  }
}

async function listening({ resp, http, grpc, ops }: Config, now: number): Promise<Finding[]> {
  const users = await checkUsers(resp);
  const hasUsers = resp.requirepass !== undefined || resp.usersFile !== undefined;
  const listeners = [['resp', resp] as const, ['http', http] as const, ['grpc', grpc] as const, ['ops', ops] as const];
  const found: Finding[] = [users];
  for (const [name, listener] of listeners) {
    if (!listener) continue;
    found.push(await checkAddress(`${name} port`, listener.host, listener.port));
    if ('unixSocket' in listener && listener.unixSocket !== undefined)
      found.push(await checkSocketPath(`${name} unix socket`, listener.unixSocket));
    if ('tls' in listener && listener.tls) found.push(...checkTls(`${name} TLS`, listener.tls, now));
    const exposed =
      name === 'ops' ? undefined : exposure({ host: listener.host, protectedMode: resp.protectedMode, hasUsers });
    if (exposed !== undefined) found.push(warn(`${name} port`, exposed));
  }
  return found;
}

async function clusters(config: Config, now: number, log: Log): Promise<Finding[]> {
  const { general, consumer, producer, embedded } = config;
  const own = embedded ? [] : [{ what: 'Kafka', general, consumer, producer }];
  const named = Object.entries(config.clusters).map(([name, sections]) => ({ what: `Kafka ${name}`, ...sections }));
  const found = await Promise.all([...own, ...named].map((settings) => checkCluster(settings, now, log)));
  const old = config.warnings.map((text) => warn('configuration', text));
  return [...old, ...(embedded ? [warn('Kafka', embeddedWarning)] : []), ...found.flat()];
}

/** The workers within a gateway. */
async function parts(config: Config, now: number, log: Log): Promise<Finding[]> {
  const found: Finding[] = [];
  if (config.ris) found.push(...(await redis(config)));
  if (config.relay) {
    const { resolveRelayConfig } = await import('../relay/config/config.js');
    found.push(...(await relayFindings(resolveRelayConfig(config.relay, {}), now, log)));
  }
  return found;
}

async function redis({ ris }: Config): Promise<Finding[]> {
  if (!ris?.ha) return [ok('Redis', 'not used (ris.ha is off)')];
  const { checkRedis } = await import('../ris/leadership/redis-check.js');
  const { shownRedisUrl } = await import('../ris/redis-url.js');
  const shown = shownRedisUrl(ris.redis);
  const found = await step('Redis', async () => {
    await checkRedis(ris.redis, ris.redisTls, redisMs);
    return `${shown} answers PING`;
  });
  return [found.state === 'ok' ? found : failed('Redis', `${shown}: ${found.about}`)];
}

async function pixyFindings(file: PixyFile, now: number, log: Log): Promise<Finding[]> {
  const { certificatePath, keyPath } = file.tls;
  const found: Finding[] = [await checkUsers(file.access)];
  for (const [key, text] of [
    ['tcp_addr', file.tcpAddr],
    ['grpc_addr', file.grpcAddr],
  ] as const) {
    if (text === '') continue;
    const { host, port } = splitAddress(text);
    found.push(port === undefined ? await checkSocketPath(key, text) : await checkAddress(key, host, port));
  }
  if (file.unixAddr !== '') found.push(await checkSocketPath('unix_addr', file.unixAddr));
  if (certificatePath !== '' || keyPath !== '')
    found.push(...checkTls('tls', { certFile: certificatePath, keyFile: keyPath }, now));
  const proxies = await Promise.all(
    file.proxies.map((proxy) =>
      checkCluster({ what: `proxy ${proxy.name}`, general: setupProxy(proxy, 'rafka-check').general }, now, log),
    ),
  );
  return [...found, ...proxies.flat()];
}

async function relayFindings({ app, target, sources }: RelayConfig, now: number, log: Log): Promise<Finding[]> {
  const { host, port } = parseListenAddress(app.metrics_server_addr);
  const all = [
    { what: 'target', general: connectionProperties(target, 'target') },
    ...sources.map((source, index) => ({
      what: `source ${index}`,
      general: connectionProperties(source, `sources[${index}]`),
    })),
  ];
  const found = await Promise.all(all.map((settings) => checkCluster(settings, now, log)));
  return [await checkAddress('metrics port', host, port), ...found.flat()];
}
