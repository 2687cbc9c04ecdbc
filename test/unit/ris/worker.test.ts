// The worker with --host all: new collectors are found every hour, and it is not ready while RIS Live names none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../src/core/ports.js';
import { Stats } from '../../../src/core/stats/stats.js';
import { createLog } from '../../../src/log.js';
import { risSchema } from '../../../src/ris/config.js';
import { RisWorker } from '../../../src/ris/worker.js';
import { realClock } from '../../support/clock.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { RisLiveServer } from '../../support/ris-live.js';
import { until } from '../../support/ris-scene.js';

const hourMs = 3_600_000;

test('new collectors of --host all are found every hour', async (t) => {
  const collectors = ['rrc00.ripe.net'];
  const server = await RisLiveServer.start({ collectors });
  const kafka = new FakeKafka();
  let hourly: (() => unknown) | undefined;
  let aheadMs = 0;
  const clock: Clock = {
    now: () => realClock.now(),
    monotonic: () => realClock.monotonic() + aheadMs,
    after(ms, call) {
      if (ms < hourMs) return realClock.after(ms, call);
      hourly = call;
      return () => {};
    },
  };
  const log = createLog({ level: 'silent', pretty: false });
  const config = risSchema.parse({ host: 'all', url: server.url, ha: false, progressMs: 0 });
  const worker = new RisWorker(config, { kafka, clock, stats: new Stats(), version: 'test', log });
  t.after(async () => {
    await worker.drain();
    await worker.close();
    await server.stop();
    await kafka.close();
  });
  const hosts = () => worker.figures().map(({ host }) => host);
  await worker.start();
  aheadMs = 31_000;
  assert.deepEqual(worker.problems(), ['ris: RIS Live has not named its collectors']);
  await until(() => hosts().length === 1 && hourly !== undefined, 'the first collector');
  collectors.push('rrc01.ripe.net');
  hourly!();
  await until(() => hosts().length === 2, 'the new one');
  assert.deepEqual(hosts(), ['rrc00', 'rrc01'], 'the old one goes on');
});
