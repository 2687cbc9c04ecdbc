// The listeners for clients without a session (REST, gRPC, ops), composed for both the gateway and `rafka pixy`.
import { readFileSync } from 'node:fs';
import { Gate, type GateOptions } from '../core/access/gate.js';
import { LoginGuard } from '../core/access/login-guard.js';
import { exposure } from '../core/access/protected-mode.js';
import { ClusterHealth } from '../core/cluster-health.js';
import type { Listener } from '../core/listener.js';
import { MemoryBudget } from '../core/memory/memory-budget.js';
import { budgetOf } from '../core/memory/memory-shares.js';
import type { Clock, KafkaFactory } from '../core/ports.js';
import { Proxies } from '../core/queue/proxies.js';
import { KafkaProxy, type ProduceSettings } from '../core/queue/proxy.js';
import type { QueueSettings } from '../core/queue/queue-settings.js';
import { probeCluster } from '../core/readiness.js';
import type { Stats } from '../core/stats/stats.js';
import { GrpcServer } from '../grpc/server.js';
import { defaultLimits, type HttpLimits, type OpsConfig } from '../http/config.js';
import type { Jobs } from '../http/console/jobs.js';
import type { RespSide } from '../http/console/redis/resp-side.js';
import type { TcpAddress } from '../http/listeners.js';
import { Ops, OpsServer, type OpsWorkers } from '../http/ops.js';
import { RestServer } from '../http/server.js';
import type { Log } from '../log.js';
import { consoleOf } from './console.js';

interface Pem {
  readonly certFile: string;
  readonly keyFile: string;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls?: Pem | undefined;
}

export interface PixyCluster {
  readonly name: string;
  readonly kafka: KafkaFactory;
  readonly settings: QueueSettings;
  readonly produce: ProduceSettings;
  /** Absent: it is checked on request. */
  readonly health?: ClusterHealth | undefined;
}

/** The users of REST and gRPC. */
export interface Access extends Omit<GateOptions, 'logins'> {
  /** Shared by all listeners; absent: by these. */
  readonly logins?: LoginGuard;
  /** See http/admission.ts. */
  readonly allowedHosts: readonly string[];
  /** Let users use topics whose names begin with `__`. Without users every client may. */
  readonly allowInternalTopics: boolean;
}

export interface PixyListenersOptions {
  readonly clusters: readonly PixyCluster[];
  /** Absent: the first one. */
  readonly defaultCluster?: string;
  readonly tcp?: Address | undefined;
  readonly unix?: string | undefined;
  /** File mode of the unix socket; absent: any user of the machine may connect. */
  readonly unixMode?: number | undefined;
  readonly access: Access;
  readonly limits?: HttpLimits;
  readonly grpc?: (Address & { readonly maxMessageBytes: number; readonly maxConnections?: number }) | undefined;
  readonly ops?: OpsConfig | undefined;
  /** For /readyz: what is wrong with the workers beside the listeners. */
  readonly notes?: () => readonly string[];
  /** Which command runs; absent: the gateway. */
  readonly job?: 'gateway' | 'pixy';
  /** The port of the Redis clients, once it listens. */
  readonly redisPort?: (() => number | undefined) | undefined;
  /** The listener of Redis clients, for the console; absent: there is none. */
  readonly resp?: RespSide | undefined;
  /** Other jobs of the process, for the console. */
  readonly jobs?: Omit<Jobs, 'queues'>;
  /** The processes that serve RESP, if it is not this one. */
  readonly workers?: OpsWorkers;
  /** What the process may use; absent: plenty. */
  readonly memoryBytes?: number | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: Log;
}

/** Nothing listens yet. @throws Error if a certificate cannot be read. */
export function createPixyListeners(options: PixyListenersOptions): Listener[] {
  const { clusters, tcp, unix, unixMode, access, grpc, limits = defaultLimits, version, clock, stats, log } = options;
  const logOf = (component: string): Log => log.child({ component });
  const proxies = new Proxies(
    clusters.map((cluster) => new KafkaProxy({ ...cluster, clock, stats, log: log.child({ cluster: cluster.name }) })),
    { defaultName: options.defaultCluster, allowInternal: access.allowInternalTopics || !access.users.required },
  );
  const guarded = { ...access, logins: access.logins ?? new LoginGuard({ clock, stats, log }) };
  const gate = new Gate(guarded);
  const probes = new Map(
    clusters.map(({ name, kafka, health = new ClusterHealth(name, kafka.admin, clock, log) }) => [
      name,
      () => probeCluster(kafka, health),
    ]),
  );
  const { workers, notes = () => [] } = options;
  const embedded = clusters.some(({ kafka }) => kafka.embedded);
  const ops = new Ops({ probes, notes, stats, clock, embedded, ...(workers ? { workers } : {}) });
  const requests = new MemoryBudget(budgetOf('bodies', options.memoryBytes));
  const shared = { gate, proxies, requests, stats };
  const listeners: Listener[] = [];
  if (tcp || unix !== undefined) {
    const where = { ...(tcp ? { tcp: withPem(tcp) } : {}), ...(unix === undefined ? {} : { unix, unixMode }) };
    const { allowedHosts } = access;
    warnOf(tcp?.host, access, logOf('http'));
    listeners.push(new RestServer({ ...where, ...shared, allowedHosts, ops, limits, version, log: logOf('http') }));
  }
  if (grpc) {
    const { maxMessageBytes, maxConnections = limits.maxConnections } = grpc;
    const bounds = { maxMessageBytes, maxConnections };
    warnOf(grpc.host, access, logOf('grpc'));
    listeners.push(new GrpcServer({ ...withPem(grpc), ...shared, ...bounds, log: logOf('grpc') }));
  }
  if (options.ops) {
    const { ops: settings, job = 'gateway', redisPort, resp, jobs } = options;
    const serves = tcp !== undefined || unix !== undefined || grpc !== undefined;
    const queues = () => [...proxies].flatMap((proxy) => proxy.pool.views());
    const allowInternal = access.allowInternalTopics || !access.users.required;
    const parts = {
      job,
      clusters,
      access: guarded,
      settings,
      allowInternal,
      redisPort,
      resp,
      jobs: { ...jobs, ...(serves ? { queues } : {}) },
      version,
      stats,
      clock,
      log: logOf('console'),
    };
    listeners.push(
      new OpsServer(ops, settings, logOf('ops'), settings.console ? consoleOf(parts, ops, workers) : undefined),
    );
  }
  return listeners;
}

function warnOf(host: string | undefined, { users, protectedMode }: Access, log: Log): void {
  const exposed = host === undefined ? undefined : exposure({ host, protectedMode, hasUsers: users.required });
  if (exposed !== undefined) log.warn({ host }, exposed);
}

function withPem({ host, port, tls }: Address): TcpAddress {
  if (!tls) return { host, port };
  const readTls = () => ({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) });
  return { host, port, tls: readTls(), readTls };
}
