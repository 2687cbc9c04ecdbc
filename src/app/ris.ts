// The composition root of `rafka ris`: the RIS worker and, if requested, the ops port.

import type { Users } from '../core/access/users.js';
import { ClusterHealth } from '../core/cluster-health.js';
import type { Listener } from '../core/listener.js';
import type { Clock } from '../core/ports.js';
import { probeCluster } from '../core/readiness.js';
import { Stats } from '../core/stats/stats.js';
import { Ops, OpsServer } from '../http/ops.js';
import { createClock } from '../io/clock.js';
import { createKafkaFactory } from '../kafka/factory.js';
import type { Log } from '../log.js';
import { createRisWorker, type RisConfig } from '../ris/index.js';
import { type Config, embeddedWarning } from './config.js';
import { consoleOf } from './console.js';
import { accessOf } from './gateway.js';
import { Program } from './program.js';
import { reload } from './renew.js';

export interface RisProgramOptions {
  readonly clock?: Clock;
  /** The configuration as it is now, for SIGHUP. @throws ConfigError */
  readonly loadAgain?: () => Promise<Config>;
}

/** The RIS worker on its own. Nothing connects yet. @throws KafkaError for properties that librdkafka refuses. */
export async function createRisProgram(
  config: Config,
  section: RisConfig,
  version: string,
  log: Log,
  { clock = createClock(log), loadAgain }: RisProgramOptions = {},
): Promise<Program> {
  const { general, consumer, producer, embedded } = config;
  if (embedded) log.warn(embeddedWarning);
  for (const warning of config.warnings) log.warn(warning);
  const kafka = await createKafkaFactory({
    general,
    consumer,
    producer,
    embedded,
    log: log.child({ component: 'ris' }),
  });
  const stats = new Stats();
  const worker = createRisWorker(section, { kafka, clock, stats, version, log: log.child({ component: 'ris' }) });
  const listeners: Listener[] = [worker];
  let users: Users | undefined;
  if (config.ops) {
    const health = new ClusterHealth('default', kafka.admin, clock, log);
    const probes = new Map([['default', () => probeCluster(kafka, health)]]);
    const ops = new Ops({
      probes,
      problems: () => worker.problems?.() ?? [],
      stats,
      clock,
      embedded,
    });
    const { protectedMode, allowInternalTopics } = config.resp;
    const access = { ...accessOf(config.resp, { stats, clock, log }), protectedMode };
    users = access.users;
    const parts = {
      job: 'ris' as const,
      clusters: [{ name: 'default', kafka, health }],
      access,
      settings: config.ops,
      jobs: { ris: () => worker },
      allowInternal: allowInternalTopics || !access.users.required,
      ...{ version, stats, clock, log: log.child({ component: 'console' }) },
    };
    const console = config.ops.console ? consoleOf(parts, ops) : undefined;
    listeners.push(new OpsServer(ops, config.ops, log.child({ component: 'ops' }), console));
  }
  const clusters = [{ name: 'default', kafka }];
  return new Program({
    listeners,
    log,
    release: () => kafka.close(),
    ...(loadAgain ? { reload: () => reload({ users, clusters, log }, listeners, loadAgain) } : {}),
  });
}
