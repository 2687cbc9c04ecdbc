// What /readyz of `rafka ris` answers while nothing is published, and that it recovers: asked over HTTP, beside a real Kafka and a real Redis.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { loadConfig } from '../../src/app/config.js';
import { createRisProgram } from '../../src/app/ris.js';
import type { Clock, KafkaFactory } from '../../src/core/ports.js';
import { createLog } from '../../src/log.js';
import { type RisConfigInput, risSchema } from '../../src/ris/config.js';
import { RedisServer, whyNoRedis } from '../campaign/ris-stage.js';
import { realClock } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { Generator, RisLiveServer } from '../support/ris-live.js';

const longEnoughMs = 60_000;

describe('/readyz of rafka ris', { timeout: 300_000 }, () => {
  let kafka: KafkaServer | undefined;
  let admin: KafkaFactory | undefined;
  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start();
    admin = await openKafka(kafka.brokers);
  });
  after(async () => {
    await admin?.close();
    await kafka?.stop();
  });

  /** The worker, as the program builds it, with a clock that can be moved. */
  async function worker(t: TestContext, ris: RisConfigInput) {
    let movedMs = 0;
    const clock: Clock = {
      now: () => realClock.now(),
      monotonic: () => realClock.monotonic() + movedMs,
      after: (ms, call) => realClock.after(ms, call),
    };
    const config = await loadConfig({ env: { RAFKA_BROKERS: kafka!.brokers }, flags: [['ops.port', 0]] });
    const section = risSchema.parse({ progressMs: 0, backoffMinMs: 50, backoffMaxMs: 200, ...ris });
    const program = await createRisProgram(config, section, 'test', createLog({ level: 'silent' }), { clock });
    await program.start();
    t.after(() => program.stop());
    const [address] = program.listeners.find(({ name }) => name === 'ops')!.addresses!;
    const ask = async () => {
      const answer = await fetch(`http://${address}/readyz`);
      return { status: answer.status, text: await answer.text() };
    };
    const is = (status: number, text: RegExp) =>
      eventually(longEnoughMs, async () => {
        const answer = await ask();
        return answer.status === status && text.test(answer.text);
      });
    return {
      ask,
      is,
      metrics: async () => (await fetch(`http://${address}/metrics`)).text(),
      pass: (ms: number) => {
        movedMs += ms;
      },
    };
  }

  test('no feed for 30 s; it is ready with the feed', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const live = await RisLiveServer.start();
    const port = Number(new URL(live.url).port);
    await live.stop();
    const { ask, is, pass } = await worker(t, { host: 'rrc01', url: live.url, ha: false });
    await is(200, /^ok/);
    pass(31_000);
    await is(503, /ris: no feed is connected for 3\d s/);
    const back = await RisLiveServer.start({ port });
    t.after(() => back.stop());
    await eventually(longEnoughMs, () => back.subscribers.length > 0);
    // A feed is what brings messages.
    back.send('rrc01', new Generator({ host: 'rrc01', peers: 1, rate: 1 }).next(Date.now()).line);
    await is(200, /^ok/);
    assert.doesNotMatch((await ask()).text, /ris:/);
  });

  test('Redis away for longer than the lease; ready again with it', async (t) => {
    if (!met(t, whyNoKafka() ?? whyNoRedis())) return;
    const [live, redis] = await Promise.all([RisLiveServer.start(), RedisServer.start()]);
    t.after(() => Promise.all([live.stop(), redis.stop()]));
    const { is } = await worker(t, { host: 'rrc02', url: live.url, redis: redis.url, leaseTtlMs: 1_000 });
    await is(200, /^ok/);
    await redis.stop();
    await is(503, /ris: Redis has not answered for \d+ s/);
    await redis.run();
    await is(200, /^ok/);
  });

  test('a leader that commits nothing for 30 s while messages wait; ready once it does', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const live = await RisLiveServer.start();
    t.after(() => live.stop());
    // The brokers answer, but nothing can be written to this topic.
    const checkpoint = 'rafka.ris.rrc03.checkpoint';
    await makeTopic(admin!, checkpoint, 1, { 'cleanup.policy': 'compact', 'min.insync.replicas': '2' });
    const { is, metrics, pass } = await worker(t, { host: 'rrc03', url: live.url, ha: false, reorderMs: 0 });
    await eventually(longEnoughMs, () => live.subscribers.length > 0);
    const generator = new Generator({ host: 'rrc03', peers: 1, rate: 1 });
    const send = () => live.send('rrc03', generator.next(Date.now()).line);
    for (let n = 0; n < 5; n++) send();
    await is(200, /^ok/);
    await eventually(longEnoughMs, async () => (await metrics()).includes('rafka_ris_received_total{host="rrc03"} 5'));
    pass(31_000);
    await is(503, /ris: rrc03 has committed nothing for \d+ s while \d+ messages wait/);
    await admin!.admin.deleteTopic(checkpoint);
    await is(200, /^ok/);
  });
});
