// One replica of the RIS worker as a process of its own; its configuration comes as JSON in the first argument.

import { Stats } from '../../src/core/stats.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { createLog } from '../../src/log.js';
import { createRisWorker, risSchema } from '../../src/ris/index.js';
import { realClock } from '../support/clock.js';

const { brokers, level = 'info', ...ris } = JSON.parse(process.argv[2]!) as { brokers: string; level?: string };
const log = createLog({ level, pretty: false });
const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': brokers }, log });
const stats = new Stats();
const worker = createRisWorker(risSchema.parse(ris), { kafka, clock: realClock, stats, log, version: 'test' });
await worker.start();

process.once('SIGTERM', async () => {
  await worker.drain();
  const left = await worker.close();
  await kafka.close();
  const counts = ['ris.late', 'ris.duplicates', 'ris.skipped', 'ris.dropped', 'ris.holes', 'ris.commits'] as const;
  const counted = counts.map((name) => [name, [...stats.labelled(name).entries()].map(([, count]) => count)[0] ?? 0]);
  log.info({ left, ...Object.fromEntries(counted) }, 'stopped');
  process.exit(left === 0 ? 0 : 1);
});
