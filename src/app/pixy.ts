// The composition root of `rafka pixy`: builds clusters and listeners from Kafka-Pixy's own configuration.
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Users } from '../core/access/users.js';
import { within } from '../core/clock.js';
import type { Clock, KafkaFactory } from '../core/ports.js';
import { Stats } from '../core/stats/stats.js';
import { defaultOps } from '../http/config.js';
import { createClock } from '../io/clock.js';
import { createKafkaFactory } from '../kafka/factory.js';
import type { Log } from '../log.js';
import { generateClientId } from '../pixy/client-id.js';
import { PixyConfigError, type PixyFile } from '../pixy/file.js';
import { setupProxy } from '../pixy/proxy-settings.js';
import { Program } from './program.js';
import { renew } from './renew.js';
import { createPixyListeners, type PixyCluster } from './rest-grpc.js';

/** How long the clusters may take to answer at the start, ms. */
const startMs = 15_000;
const unreachable = 'kafka: client has run out of available brokers to talk to (Is your cluster reachable?)';
const maxGrpcBytes = 1024 * 1024;

/** Kafka-Pixy's process. @throws PixyConfigError, KafkaError, GatewayError `file-unusable`; its start rejects with Kafka-Pixy's text if a cluster is unreachable. */
export async function createPixyProgram(
  file: PixyFile,
  env: Readonly<Record<string, string | undefined>>,
  version: string,
  log: Log,
  { loadAgain = () => file, memoryBytes }: { readonly loadAgain?: () => PixyFile; readonly memoryBytes?: number } = {},
): Promise<Program> {
  if (!file.grpcAddr && !file.tcpAddr && !file.unixAddr)
    throw new PixyConfigError('at least one API server should be configured');
  for (const warning of file.warnings) log.warn(warning);
  const { protectedMode, allowedHosts } = file.access;
  const users = Users.load(file.access, (path) => readFileSync(path, 'utf8'));
  const clientId = generateClientId(surroundings(env));
  const clusters = await Promise.all(file.proxies.map((proxy) => openCluster(proxy, clientId, memoryBytes, log)));
  const clock = createClock(log);
  const tls = tlsOf(file);
  const tcp = file.tcpAddr.includes(':') ? { ...address(file.tcpAddr), tls } : undefined;
  const listeners = createPixyListeners({
    clusters,
    defaultCluster: file.defaultCluster,
    tcp,
    // An address without a colon is a path.
    unix: file.unixAddr || (tcp ? undefined : file.tcpAddr || undefined),
    access: { users, protectedMode, allowedHosts, allowInternalTopics: false },
    grpc: file.grpcAddr ? { ...address(file.grpcAddr), tls, maxMessageBytes: maxGrpcBytes } : undefined,
    job: 'pixy',
    ops: file.opsAddr ? { ...defaultOps, ...address(file.opsAddr), allowedHosts: [...allowedHosts] } : undefined,
    memoryBytes,
    version,
    clock,
    stats: new Stats(),
    log,
  });
  return new Program({
    listeners,
    log,
    async reload() {
      try {
        const next = loadAgain();
        const sections = next.proxies.map((proxy) => {
          const { general } = setupProxy(proxy, clientId);
          return [proxy.name, { general, consumer: {}, producer: {} }] as const;
        });
        const renewal = { access: next.access, clusters: Object.fromEntries(sections) };
        const failed = await renew({ users, clusters }, listeners, renewal);
        if (failed.length > 0) log.error({ failed }, 'reload: what could not be used stays as it was');
        else
          log.info('reload: users, certificates and logins are as in their files now; other settings take a restart');
      } catch (error) {
        log.error({ reason: (error as Error).message }, 'reload: nothing has changed');
      }
    },
    async prepare() {
      await Promise.all(clusters.map(({ name, kafka }) => reach(name, kafka, clock)));
    },
    async release() {
      for (const { kafka } of clusters) await kafka.close();
    },
  });
}

async function openCluster(
  proxy: PixyFile['proxies'][number],
  clientId: string,
  memoryBytes: number | undefined,
  log: Log,
): Promise<PixyCluster> {
  checkCertificates(proxy.values);
  const { general, settings, produce } = setupProxy(proxy, clientId, memoryBytes);
  const kafka = await createKafkaFactory({ general, log: log.child({ cluster: proxy.name }) });
  return { name: proxy.name, kafka, settings, produce };
}

/** Also where TLS is off, as upstream. */
function checkCertificates(values: PixyFile['proxies'][number]['values']): void {
  for (const key of ['kafka.ca_certificate_file', 'kafka.client_certificate_file', 'kafka.client_key_file'] as const) {
    const path = values[key];
    if (path === '') continue;
    try {
      const pem = readFileSync(path);
      if (key !== 'kafka.client_key_file') new X509Certificate(pem);
    } catch (error) {
      throw new PixyConfigError(`failed to parse config: ${key}: ${(error as Error).message}`);
    }
  }
}

async function reach(name: string, kafka: KafkaFactory, clock: Clock): Promise<void> {
  const answered = await within(
    clock,
    startMs,
    kafka.admin.topics([]).then(
      () => true,
      () => false,
    ),
  );
  if (!answered) throw new Error(`failed to spawn proxy, name=${name}: failed to create Kafka client: ${unreachable}`);
}

function tlsOf({ tls }: PixyFile): { certFile: string; keyFile: string } | undefined {
  if (!tls.certificatePath && !tls.keyPath) return undefined;
  if (!tls.certificatePath || !tls.keyPath)
    throw new PixyConfigError('invalid config parameter: tls needs both certificate_path and key_path');
  return { certFile: tls.certificatePath, keyFile: tls.keyPath };
}

/** `0.0.0.0:19092`, `:19092`, `[::1]:19092`. */
function address(text: string): { host: string; port: number } {
  const found = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text);
  if (!found) throw new PixyConfigError(`invalid config parameter: bad address ${text}`);
  return { host: found[1] ?? (found[2] || '0.0.0.0'), port: Number(found[3]) };
}

function surroundings(env: Readonly<Record<string, string | undefined>>) {
  return { env, hostname: hostname(), pid: process.pid, cgroup: cgroup(), random: randomBytes(4).toString('hex') };
}

function cgroup(): string {
  try {
    return readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return ''; // Not on Linux.
  }
}
