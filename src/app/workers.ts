// The composition root of --workers: a primary without a RESP listener, and the workers that serve the port.
import { randomBytes } from 'node:crypto';
import { Stats } from '../core/stats/stats.js';
import { createClock } from '../io/clock.js';
import { removeStaleSocket } from '../io/stale-socket.js';
import { createLog, type Log } from '../log.js';
import { processLoad } from '../resp/info/status.js';
import { answersOf } from '../resp/sibling-handlers.js';
import type { Siblings } from '../resp/siblings/siblings.js';
import { preparePrimary, primaryChannel } from '../workers/node-cluster.js';
import { Router } from '../workers/router.js';
import type { StartOrder } from '../workers/start-options.js';
import { type Served, WorkerSide } from '../workers/worker-side.js';
import { Workers } from '../workers/workers.js';
import type { Config } from './config.js';
import { respSideOfWorkers } from './console-resp.js';
import {
  accessOf,
  closeClusters,
  createProgram,
  createResp,
  openClusters,
  otherListeners,
  type Shared,
} from './gateway.js';
import { Program } from './program.js';
import { renew, renewalOf } from './renew.js';

/** Connections of one worker have ids below those of the next. */
const idsOfWorker = 10_000_000_000;

const connectionIds = (worker: number): [number, number] => [worker * idsOfWorker + 1, (worker + 1) * idsOfWorker + 1];

/** The arguments that make the program a worker. */
export const workerArgument = 'worker';

/** The primary: workers, and every listener but RESP. @throws KafkaError for properties that librdkafka refuses. */
export async function createPrimary(
  config: Config,
  version: string,
  log: Log,
  loadAgain?: () => Promise<Config>,
): Promise<Program> {
  /** Of workers that start later. */
  const current = { config };
  const stats = new Stats();
  const clock = createClock(log);
  const access = accessOf(config.resp, { stats, clock, log });
  const clusters = await openClusters(config, clock, log);
  const shared: Shared = { config, ...access, clusters, version, stats, clock, log };
  const status = () => ({ stats: stats.snapshot(), load: processLoad() });
  const router = new Router({ status, stats, clock, connectionIds });
  const workers = new Workers({
    count: config.resp.workers,
    fork: preparePrimary([workerArgument]),
    order: startOrders(shared, current),
    router,
    shutdownMs: config.shutdown.timeoutMs,
    clock,
    log,
  });
  const others = await otherListeners(shared, {
    workers: {
      metrics: () => router.askWorkers('metrics', []),
      get serving() {
        return workers.serving.length;
      },
    },
    redisPort: () => workers.port,
    resp: respSideOfWorkers(
      (filter) => router.askWorkers('clients', [filter]),
      (filter) => router.askWorkers('kill', [filter]),
    ),
  });
  const { unixSocket } = config.resp;
  return createProgram(shared, {
    listeners: [workers, ...others],
    prepare: async () => (unixSocket === undefined ? undefined : removeStaleSocket(unixSocket)),
    closeShared: async () => {},
    abandon: () => workers.kill(),
    ...(loadAgain ? { loadAgain } : {}),
    async onRenewal({ resp, general, consumer, producer, clusters }) {
      const { requirepass, usersFile } = resp;
      current.config = {
        ...config,
        resp: { ...config.resp, requirepass, usersFile },
        ...{ general, consumer, producer, clusters },
      };
      await router.askWorkers('renew', [renewalOf(current.config)]);
    },
  });
}

function startOrders(
  { config, clusters, clock }: Shared,
  current: { readonly config: Config },
): (worker: number) => StartOrder {
  const runId = randomBytes(20).toString('hex');
  const common = { runId, startedAt: clock.now(), processId: process.pid };
  const embedded = config.embedded ? { embeddedBrokers: clusters.get().kafka.brokers } : {};
  return (worker) => ({
    config: current.config,
    worker,
    server: { ...common, firstConnectionId: connectionIds(worker)[0] },
    ...embedded,
  });
}

export interface WorkerEvents {
  /** Its log exists. */
  readonly onStart: (log: Log) => void;
  /** It has stopped; within the shutdown time limit, or not. */
  readonly onEnd: (log: Log | undefined, inTime: boolean) => void;
}

/** Makes this process a worker. @returns false if it was not started as one. */
export function runWorker(version: string, { onStart, onEnd }: WorkerEvents): boolean {
  const channel = primaryChannel();
  if (!channel) return false;
  let log: Log | undefined;
  let shutdownMs = 0;
  const clock = createClock({ error: (fields, text) => log?.error(fields, text) });
  new WorkerSide({
    channel,
    clock,
    onBug: (err, question) => log?.error({ err, question }, 'a question of another process failed'),
    async serve({ config: checked, worker, embeddedBrokers }, siblings) {
      const config = checked as Config;
      shutdownMs = config.shutdown.timeoutMs;
      log = createLog(config.log).child({ worker });
      onStart(log);
      const clusters = await openClusters(config, clock, log, { embeddedBrokers, processes: config.resp.workers });
      const own = { stats: new Stats(), clock, log };
      return serveResp({ config, ...accessOf(config.resp, own), clusters, version, ...own }, siblings);
    },
    onAlone() {
      log?.warn('the primary is gone: shutting down');
      clock.after(shutdownMs, () => onEnd(log, false));
    },
    onEnd: () => onEnd(log, true),
  });
  return true;
}

async function serveResp(shared: Shared, siblings: Siblings): Promise<Served> {
  const { config, clusters, stats, log } = shared;
  const { server, gateway } = createResp(shared, siblings);
  const release = async (): Promise<void> => {
    await gateway.close();
    await closeClusters(clusters);
  };
  const program = new Program({ listeners: [server, gateway.streams], log, release });
  for (const { health } of clusters) health?.watch();
  await program.start();
  const metrics = config.ops || config.http ? await processMetrics(stats) : async () => [];
  return {
    port: server.port,
    answers: answersOf(server, gateway, metrics, async (renewal) => {
      const failed = await renew(shared, [server], renewal);
      if (failed.length > 0) log.error({ failed }, 'reload: what could not be used stays as it was');
    }),
    accept: (handle) => server.accept(handle),
    counted: () => stats.snapshot(),
    phase: (phase) => program.phase(phase),
    undelivered: () => program.undelivered(),
    stop: () => program.stop(),
  };
}

async function processMetrics(stats: Stats): Promise<() => Promise<readonly object[]>> {
  const { createMetrics } = await import('../http/metrics.js');
  const registry = createMetrics(stats);
  return () => registry.getMetricsAsJSON();
}
