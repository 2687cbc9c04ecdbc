// The composition root: builds clusters, listeners and workers from the configuration.
// A listener's packages are loaded only if the configuration has it.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { LoginGuard, type LoginGuardOptions } from '../core/access/login-guard.js';
import { exposure } from '../core/access/protected-mode.js';
import { type AccessOptions, Users } from '../core/access/users.js';
import { sleep } from '../core/clock.js';
import { type Cluster, Clusters } from '../core/cluster.js';
import { ClusterHealth } from '../core/cluster-health.js';
import { correctedProperties } from '../core/consume/client-properties.js';
import type { Listener } from '../core/listener.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import { Stats } from '../core/stats/stats.js';
import type { Jobs, RelaySide, RisSide } from '../http/console/jobs.js';
import type { RespSide } from '../http/console/redis/resp-side.js';
import type { OpsWorkers } from '../http/ops.js';
import { createClock } from '../io/clock.js';
import { createKafkaFactory } from '../kafka/factory.js';
import { ProduceBudget } from '../kafka/producer/produce-budget.js';
import { clientVersions } from '../kafka/versions.js';
import type { Log } from '../log.js';
import { fromPool } from '../pixy/settings.js';
import { resolveRelayConfig } from '../relay/config/config.js';
import { KafkaGateway } from '../resp/kafka/kafka-gateway.js';
import { RespServer } from '../resp/server.js';
import type { Siblings } from '../resp/siblings/siblings.js';
import type { RisConfig } from '../ris/index.js';
import { type Config, embeddedWarning } from './config.js';
import { respSideOf } from './console-resp.js';
import { readAheadProperties } from './memory-defaults.js';
import { Program } from './program.js';
import { reload } from './renew.js';

/** How often an unreachable cluster is retried at the start, ms. */
const brokerRetryMs = 2_000;

/** What the parts of one process share. */
export interface Shared {
  readonly config: Config;
  /** The users of every listener. */
  readonly users: Users;
  readonly logins: LoginGuard;
  readonly clusters: Clusters;
  readonly version: string;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly log: Log;
}

/** The gateway, with its configured listeners and workers. Nothing listens yet. @throws KafkaError for properties that librdkafka refuses. */
export async function createGateway(
  config: Config,
  version: string,
  log: Log,
  loadAgain?: () => Promise<Config>,
): Promise<Program> {
  const common = { stats: new Stats(), clock: createClock(log), log };
  const access = accessOf(config.resp, common);
  const shared = { config, ...access, clusters: await openClusters(config, common.clock, log), version, ...common };
  const { server, gateway } = createResp(shared);
  const listeners = [
    server,
    gateway.streams,
    ...(await otherListeners(shared, {
      redisPort: () => server.port,
      resp: respSideOf(server),
    })),
  ];
  return createProgram(shared, { listeners, closeShared: () => gateway.close(), ...(loadAgain ? { loadAgain } : {}) });
}

/** The RESP listener. @param siblings the other processes behind its port; absent: none */
export function createResp(
  { config, users, logins, clusters, version, stats, clock, log }: Shared,
  siblings?: Siblings,
) {
  const consumerProperties = { ...config.general, ...config.consumer };
  const cluster = clusters.get();
  const common = { settings: config.resp, clock, stats, ...(siblings ? { siblings } : {}) };
  const gateway = new KafkaGateway({
    ...common,
    cluster,
    consumerProperties,
    log: log.child({ component: 'resp' }),
    transactionalId: transactionalIdOf(config, siblings),
  });
  const { maxMessageBytes } = cluster.kafka;
  const server = new RespServer({ ...common, users, logins, gateway, maxMessageBytes, version, clientVersions, log });
  return { server, gateway };
}

/** What this process' transactional ids begin with: the same after a restart, as a new producer ends what the one before it has left open. */
function transactionalIdOf({ resp }: Config, siblings: Siblings | undefined): string {
  const id = resp.transactionalId ?? `rafka-${hostname()}-${resp.port}`;
  return siblings ? `${id}-w${siblings.server.firstConnectionId}` : id;
}

/** The users of all listeners of a process. @throws GatewayError `file-unusable` */
export const accessOf = (options: AccessOptions, guard: LoginGuardOptions): Pick<Shared, 'users' | 'logins'> => ({
  users: Users.load(options, (path) => readFileSync(path, 'utf8')),
  logins: new LoginGuard(guard),
});

/** Where Redis clients are served. */
interface RespPlace {
  /** The processes that serve them, if it is not this one. */
  readonly workers?: OpsWorkers;
  /** Their port, once it listens. */
  readonly redisPort: () => number | undefined;
  readonly resp: RespSide;
}

/** All listeners and workers but RESP. */
export async function otherListeners(shared: Shared, place: RespPlace): Promise<Listener[]> {
  const { config } = shared;
  const listeners: Listener[] = [];
  let ris: (Listener & RisSide) | undefined;
  let relay: (Listener & RelaySide) | undefined;
  // Clients of the other listeners can be served while the worker beside them waits for its feed.
  const notes = (): readonly string[] => listeners.flatMap((listener) => listener.problems?.() ?? []);
  if (config.http || config.grpc || config.ops)
    listeners.push(...(await sharedListeners(shared, notes, place, { ris: () => ris, relay: () => relay })));
  if (config.relay) relay = await createRelay(config.relay, shared);
  if (config.ris) ris = await createRis(config.ris, shared);
  listeners.push(...[relay, ris].filter((each) => each !== undefined));
  return listeners;
}

export interface Parts {
  readonly listeners: readonly Listener[];
  /** Runs before anything is started. */
  readonly prepare?: () => Promise<void>;
  /** Closes what listeners share, before the clusters are closed. */
  readonly closeShared: () => Promise<void>;
  /** Ends at once what would outlive this process. */
  readonly abandon?: () => void;
  /** The configuration as it is now. @throws ConfigError */
  readonly loadAgain?: () => Promise<Config>;
  /** Others take it over as well. */
  readonly onRenewal?: (config: Config) => Promise<void>;
}

/** The program of a process that users start. */
export function createProgram(shared: Shared, { closeShared, loadAgain, onRenewal, ...parts }: Parts): Program {
  const { config, users, clusters, clock, log } = shared;
  const corrected = correctedProperties({ ...config.general, ...config.consumer });
  if (corrected.length > 0) log.warn({ corrected }, 'consumer settings corrected: only acks may move offsets');
  const greeting = new AbortController();
  return new Program({
    ...parts,
    log,
    ...(loadAgain ? { reload: () => reload(shared, parts.listeners, loadAgain, onRenewal) } : {}),
    async prepare() {
      if (config.embedded) log.warn(embeddedWarning);
      for (const warning of config.warnings) log.warn(warning);
      const { host, protectedMode } = config.resp;
      const exposed = exposure({ host, protectedMode, hasUsers: users.required });
      if (exposed !== undefined) log.warn({ host }, exposed);
      for (const { health } of clusters) health?.watch();
      for (const cluster of clusters)
        own(greet(cluster, greeting.signal, clock, log), (err) =>
          log.error({ err }, 'the first contact with a cluster failed'),
        );
      await parts.prepare?.();
    },
    async release() {
      greeting.abort();
      await closeShared();
      await closeClusters(clusters);
    },
  });
}

/** Logs when a cluster answers. An unreachable one is waited for in the background, with a log line. */
async function greet({ name, kafka }: Cluster, signal: AbortSignal, clock: Clock, log: Log): Promise<void> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      const topics = await kafka.admin.topics();
      const release = await kafka.admin.release();
      const about = { ...(release === undefined ? {} : { kafka: release }), topics: topics.length };
      log.info({ cluster: name, brokers: kafka.brokers, ...about }, 'connected to Kafka');
      return;
    } catch (error) {
      const reason = (error as Error).message;
      if (tries === 0)
        log.warn({ cluster: name, brokers: kafka.brokers, reason }, 'Kafka does not answer yet: waiting for it');
      await sleep(clock, brokerRetryMs);
    }
  }
}

/** The RIS worker publishes to the default cluster. */
async function createRis(
  section: RisConfig,
  { clusters, version, stats, clock, log }: Shared,
): Promise<Listener & RisSide> {
  const { createRisWorker } = await import('../ris/index.js');
  const { kafka } = clusters.get();
  return createRisWorker(section, { kafka, clock, stats, version, log: log.child({ component: 'ris' }) });
}

/** The relay opens its clusters itself: it has many sources, one topic each. @throws GatewayError `relay-config` */
async function createRelay(
  section: Record<string, unknown>,
  { config, clock, log }: Shared,
): Promise<Listener & RelaySide> {
  const { Relay } = await import('../relay/relay.js');
  const { relayOps } = await import('./console.js');
  const ops = relayOps({ clock, log: log.child({ component: 'relay' }) });
  return new Relay({
    ops,
    config: resolveRelayConfig(section, {}, config.memory?.limitBytes),
    createKafka: (properties) => createKafkaFactory({ general: properties, log: log.child({ component: 'relay' }) }),
    clock,
    log: log.child({ component: 'relay' }),
  });
}

/** REST, gRPC and the ops port, if configured. */
async function sharedListeners(
  { config, users, logins, clusters, version, stats, clock, log }: Shared,
  notes: () => readonly string[],
  { workers, redisPort, resp: side }: RespPlace,
  jobs: Jobs,
): Promise<Listener[]> {
  const { createPixyListeners } = await import('./rest-grpc.js');
  const { resp, http, grpc, ops, pool, memory } = config;
  const { protectedMode, allowInternalTopics } = resp;
  const clientId = `rafka_${hostname()}_${process.pid}`;
  return createPixyListeners({
    clusters: [...clusters].map(({ name, kafka, health }) => ({
      name,
      kafka,
      health,
      ...fromPool(pool, clientId, kafka.maxMessageBytes, readAheadProperties(memory?.limitBytes)),
    })),
    tcp: http,
    unix: http?.unixSocket,
    unixMode: http && Number.parseInt(http.unixSocketMode, 8),
    access: { users, logins, protectedMode, allowInternalTopics, allowedHosts: http?.allowedHosts ?? [] },
    ...(http ? { limits: http } : {}),
    grpc,
    ops,
    notes,
    redisPort,
    resp: side,
    jobs,
    ...(workers ? { workers } : {}),
    memoryBytes: memory?.limitBytes,
    version,
    clock,
    stats,
    log,
  });
}

/** How clusters are opened: in the only process of a gateway, or in one of several. */
export interface Place {
  /** The address of the embedded Kafka, if another process runs it. */
  readonly embeddedBrokers?: string | undefined;
  /** How many processes like this one serve clients; absent: only this one. */
  readonly processes?: number | undefined;
}

/** Creates the factories of all clusters. @throws KafkaError for properties that librdkafka refuses. */
export async function openClusters(config: Config, clock: Clock, log: Log, place: Place = {}): Promise<Clusters> {
  const { embeddedBrokers, processes } = place;
  const sections = { default: { general: config.general, consumer: config.consumer, producer: config.producer } };
  const clusters: Cluster[] = [];
  // Each of several processes has a share; the primary produces for REST, gRPC and the configured workers.
  const { produceBufferBytes, workers } = config.resp;
  const budget = new ProduceBudget(Math.ceil(produceBufferBytes / (workers > 1 ? workers + 1 : 1)));
  const here = embeddedBrokers === undefined ? true : { brokers: embeddedBrokers };
  for (const [name, properties] of Object.entries({ ...sections, ...config.clusters })) {
    const embedded = config.embedded && name === 'default' && here;
    const kafka = await createKafkaFactory({
      ...properties,
      embedded,
      embeddedPartitions: config.resp.streams.partitions,
      processes,
      budget,
      log: log.child({ cluster: name }),
    });
    const health = new ClusterHealth(name, kafka.admin, clock, log);
    clusters.push({ name, kafka, health });
  }
  return new Clusters(clusters);
}

export async function closeClusters(clusters: Clusters): Promise<void> {
  for (const { kafka, health } of clusters) {
    health?.stop();
    await kafka.close();
  }
}
