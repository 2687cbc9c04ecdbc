import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Stats } from '../../../src/core/stats/stats.js';
import { Ops } from '../../../src/http/ops.js';
import { ManualClock } from '../../support/clock.js';

function make(...answers: (() => Promise<readonly string[]>)[]) {
  const clock = new ManualClock();
  const stats = new Stats();
  const probes = new Map(answers.map((answer, index) => [`c${index}`, answer]));
  const ops = new Ops({ probes, stats, clock });
  return { clock, stats, ops, ask: (path: string) => ops.endpoints[path]!() };
}

describe('what operators ask', () => {
  it('readiness: every cluster has to answer; those that do not are named with the reason', async () => {
    const { ask } = make(
      async () => [],
      async () => {
        throw new Error('Local: Broker transport failure');
      },
    );
    assert.deepEqual(await ask('/readyz'), {
      status: 503,
      type: 'text/plain; charset=utf-8',
      body: 'cluster c1: Local: Broker transport failure\n',
    });
    assert.equal((await ask('/healthz')).status, 200, 'the process lives all the same');
    assert.equal((await make(async () => []).ask('/readyz')).status, 200);
  });

  it('an embedded Kafka is told from one that keeps what it is given', async () => {
    const probes = new Map([['default', async () => []]]);
    const ops = new Ops({ probes, stats: new Stats(), clock: new ManualClock(), embedded: true });
    assert.match((await ops.endpoints['/readyz']!()).body, /^ok\nembedded Kafka: nothing is kept/);
    assert.equal((await make(async () => []).ask('/readyz')).body, 'ok\n');
  });

  it('what is not well and keeps nobody from being served is named behind the ok', async () => {
    const { ask } = make(async () => ['UNDER_REPLICATED: 1 of 4 partitions have replicas that are not in sync']);
    assert.deepEqual(await ask('/readyz'), {
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: 'ok\ncluster c0: UNDER_REPLICATED: 1 of 4 partitions have replicas that are not in sync\n',
    });
  });

  it('a broker that says nothing is lost within 5 seconds, from one look to the next', async () => {
    let silent = false;
    const { clock, ask } = make(() => (silent ? new Promise(() => {}) : Promise.resolve([])));
    assert.equal((await ask('/readyz')).status, 200);
    silent = true;
    const startedAt = clock.now();
    for (;;) {
      const asked = ask('/readyz');
      let answer: Awaited<typeof asked> | undefined;
      void asked.then((given) => {
        answer = given;
      });
      await clock.advance(0);
      while (!answer) await clock.advance(100);
      if (answer.status === 503) {
        assert.match(answer.body, /^cluster c0: no broker answers within \d+ ms\n$/);
        break;
      }
      await clock.advance(100);
    }
    assert.ok(clock.now() - startedAt <= 5_000, `${clock.now() - startedAt} ms`);
  });

  it('many who ask cost one look', async () => {
    let looks = 0;
    const { ask } = make(async () => {
      looks++;
      return [];
    });
    await Promise.all(Array.from({ length: 50 }, () => ask('/readyz')));
    assert.equal(looks, 1);
  });

  it('a process that stops is not ready', async () => {
    const { ops, ask } = make(async () => []);
    ops.drain();
    assert.deepEqual([(await ask('/readyz')).status, (await ask('/healthz')).status], [503, 200]);
  });

  it('metrics: counters, labels and histograms by their names in core', async () => {
    const { stats, ask } = make();
    stats.add('consumer.acks', 3);
    stats.count('topic.produced', 'default', 'a "b"');
    stats.latency('produce.seconds', 'http').observe(0.003);
    stats.latency('produce.seconds', 'http').observe(100);
    const { body } = await ask('/metrics');
    for (const line of [
      'rafka_consumer_acks_total 3',
      'rafka_topic_produced_total{cluster="default",topic="a \\"b\\""} 1',
      'rafka_produce_seconds_bucket{le="0.0025",face="http"} 0',
      'rafka_produce_seconds_bucket{le="0.005",face="http"} 1',
      'rafka_produce_seconds_bucket{le="+Inf",face="http"} 2',
      'rafka_produce_seconds_count{face="http"} 2',
    ])
      assert.ok(body.includes(`\n${line}\n`), line);
    assert.match(body, /^nodejs_eventloop_lag_p99_seconds /m);
  });

  it('names that clients choose can not fill the memory', async () => {
    const { stats, ask } = make();
    for (let n = 0; n < 2_000; n++) stats.count('topic.produced', 'default', `t${n}`);
    const { body } = await ask('/metrics');
    assert.equal(body.match(/^rafka_topic_produced_total/gm)!.length, 501);
    assert.match(body, /^rafka_topic_produced_total\{cluster="other",topic="other"\} 1500$/m);
  });
});
