// Composes the console of a process: what it reads, who may see it, and how values are decoded.
import type { Registry } from 'prom-client';
import { Gate, type GateOptions } from '../core/access/gate.js';
import { LoginGuard } from '../core/access/login-guard.js';
import { Users } from '../core/access/users.js';
import type { Clock } from '../core/ports.js';
import { Stats } from '../core/stats/stats.js';
import { Admission } from '../http/admission.js';
import { defaultLimits, defaultOps, type OpsConfig } from '../http/config.js';
import { Console } from '../http/console/console.js';
import type { ClusterReaders } from '../http/console/host.js';
import type { Jobs, RelaySide } from '../http/console/jobs.js';
import type { ConsoleCluster, Job } from '../http/console/process.js';
import { Rates } from '../http/console/rates.js';
import { GroupReader } from '../http/console/reading/groups.js';
import { MessageReader } from '../http/console/reading/messages.js';
import { TopicReader } from '../http/console/reading/topics.js';
import { readMetrics } from '../http/console/readings.js';
import { Prompts } from '../http/console/redis/prompts.js';
import type { RespSide } from '../http/console/redis/resp-side.js';
import { Status, type StatusOptions } from '../http/console/status.js';
import { openApi } from '../http/openapi.js';
import { type Ops, OpsServer, type OpsWorkers } from '../http/ops.js';
import { routes } from '../http/routes/index.js';
import type { Log } from '../log.js';
import type { OpsPort, OpsPortOptions } from '../relay/report/ops-port.js';
import { bmpLines } from '../ris/tools/bmp-print.js';

export interface ConsoleParts {
  readonly job: Job;
  readonly clusters: readonly ConsoleCluster[];
  readonly access: GateOptions;
  readonly settings: OpsConfig;
  readonly allowInternal: boolean;
  /** The port of the Redis clients, once it listens. */
  readonly redisPort?: (() => number | undefined) | undefined;
  /** The listener of Redis clients; absent: there is none. */
  readonly resp?: RespSide | undefined;
  readonly jobs?: Jobs | undefined;
  readonly version: string;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly log: Log;
}

/** The console of a process with ops endpoints. @param workers the processes that serve RESP, if it is not this one */
export const consoleOf = (parts: ConsoleParts, ops: Ops, workers?: OpsWorkers): Console =>
  createConsole(parts, { read: () => readMetrics(ops.metrics, workers), ready: () => ops.endpoints['/readyz']!() });

/** The console of any process. Nothing runs yet. */
function createConsole(parts: ConsoleParts, sources: Pick<StatusOptions, 'read' | 'ready'>): Console {
  const { job, access, settings, version, stats, clock, log } = parts;
  const embedded = parts.clusters.some(({ kafka }) => kafka.embedded);
  const { allowActions = embedded, showPayloads = embedded, maskFields, allowedHosts } = settings;
  return new Console({
    job,
    settings: { allowActions, showPayloads, maskFields },
    status: new Status({ job, version, clusters: parts.clusters, ...sources, clock, log }),
    clusters: new Map(parts.clusters.map((cluster) => [cluster.name, readersOf(cluster, clock)])),
    decode: bmpLines,
    allowInternal: parts.allowInternal,
    redisPort: parts.redisPort,
    resp: parts.resp,
    jobs: parts.jobs,
    rates: new Rates(clock),
    prompts: parts.resp?.open && new Prompts(parts.resp.open, clock),
    document: () => JSON.stringify(openApi(routes, version), null, 2),
    admission: new Admission(new Gate(access), allowedHosts),
    stats,
    clock,
    log,
  });
}

/** The console of a relay: it has no users of its own, so that only clients of its machine are let in. */
function relayConsole(
  source: RelaySide & { readiness(): { ready: boolean; topics: Record<string, string> } },
  registry: Registry,
  { version, clock, log }: Pick<ConsoleParts, 'version' | 'clock' | 'log'>,
): Console {
  const stats = new Stats();
  const access = {
    users: Users.load({}, () => ''),
    protectedMode: true,
    logins: new LoginGuard({ clock, stats, log }),
  };
  const parts = { job: 'relay' as const, clusters: [], access, settings: defaultOps, allowInternal: true };
  return createConsole(
    { ...parts, jobs: { relay: () => source }, version, stats, clock, log },
    {
      read: () => readMetrics(registry),
      async ready() {
        const { ready, topics } = source.readiness();
        const states = Object.entries(topics).map(([topic, state]) => `${topic}: ${state}`);
        return {
          status: ready ? 200 : 503,
          body: [ready ? 'ok' : 'not every topic is being relayed', ...states].join('\n'),
        };
      },
    },
  );
}

/** Of a relay's port. */
const relayLimits = { ...defaultLimits, headersTimeoutMs: 10_000, requestTimeoutMs: 10_000 };

/** The `ops` of a relay's options. @param version for the console; absent: the port has none */
export const relayOps =
  ({ version, clock, log }: Pick<ConsoleParts, 'clock' | 'log'> & { readonly version?: string }) =>
  ({ address: { host = '', port }, answers, source, registry }: OpsPortOptions): OpsPort => {
    const console = version === undefined ? undefined : relayConsole(source, registry, { version, clock, log });
    return new OpsServer(answers, { host, port }, log, console, relayLimits);
  };

function readersOf(cluster: ConsoleCluster, clock: Clock): ClusterReaders {
  const topics = new TopicReader(cluster.kafka, clock);
  const groups = new GroupReader(cluster.kafka, topics, clock);
  return { ...cluster, topics, groups, messages: new MessageReader(cluster.kafka, clock) };
}
