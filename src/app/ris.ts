// The composition root of `rafka ris`: the RIS worker and, if requested, the ops port.

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

/** The RIS worker on its own. Nothing connects yet. @throws KafkaError for properties that librdkafka refuses. */
export async function createRisProgram(
  config: Config,
  section: RisConfig,
  version: string,
  log: Log,
  clock: Clock = createClock(log),
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
  return new Program({ listeners, log, release: () => kafka.close() });
}
