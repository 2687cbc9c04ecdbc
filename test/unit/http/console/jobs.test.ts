// The console's view of the jobs beside Redis clients. What a process does not have is not there; what is unknown is null.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CollectorRow, Jobs } from '../../../../src/http/console/jobs.js';
import { Rates } from '../../../../src/http/console/rates.js';
import { ManualClock } from '../../../support/clock.js';
import { OpenFaces } from '../../../support/open-listeners.js';
import { type Answer, askUrl } from '../../../support/pixy-lab.js';

async function withJobs(
  jobs: Jobs | undefined,
  run: (ask: (path: string) => Promise<Answer>, faces: OpenFaces) => Promise<void>,
) {
  const faces = await OpenFaces.start({ ops: {}, ...(jobs ? { jobs } : {}) });
  try {
    await run((path) => askUrl(`http://127.0.0.1:${faces.opsPort}/api/v1${path}`), faces);
  } finally {
    await faces.stop();
  }
}

const collector: CollectorRow = {
  ...{ host: 'rrc00', leader: false, hasOthers: true, connected: true, lagMs: null },
  ...{ backlog: 3, backlogBytes: 300, bufferBytes: 1_000, peersUp: 0, late: 1, dropped: 2 },
  ...{ feedAwayMs: 0, redisAwayMs: 0, stuckMs: 0 },
};

describe('the console and the other jobs', () => {
  test('what the process does not have is not there', () =>
    withJobs(undefined, async (ask) => {
      const { hasRis, hasRelay, hasRest } = (await ask('/session')).json;
      assert.deepEqual([hasRis, hasRelay, hasRest], [false, false, true]);
      for (const path of ['/ris', '/ris/rrc00/peers', '/relay']) assert.equal((await ask(path)).status, 400, path);
    }));

  test('a collector tells its state; peers of a standby are unknown, those of a leader are filtered and paged', async () => {
    const peers = [
      { address: '2001:db8::1', asn: 64501, state: 'up' as const },
      { address: '192.0.2.1', asn: 64500, state: 'up' as const },
      { address: '192.0.2.2', asn: 64500, state: 'down' as const },
    ];
    const ris = { collectors: () => [collector], peers: (host: string) => (host === 'rrc00' ? peers : undefined) };
    await withJobs({ ris: () => ris }, async (ask) => {
      assert.equal((await ask('/session')).json.hasRis, true);
      const [row] = (await ask('/ris')).json.rows;
      assert.deepEqual([row.host, row.peersUp, row.lagMs, row.received], ['rrc00', null, null, null]);
      assert.deepEqual([row.backlogBytes, row.bufferBytes, row.dropped], [300, 1_000, 2]);
      const found = (await ask('/ris/rrc00/peers?as=64500&state=up')).json;
      assert.deepEqual([found.isKnown, found.total, found.rows[0].address], [true, 1, '192.0.2.1']);
      assert.equal((await ask('/ris/rrc00/peers?q=2001&size=1')).json.rows[0].asn, 64501);
      assert.equal((await ask('/ris/rrc00/peers?as=x')).status, 400);
      assert.equal((await ask('/ris/rrc01/peers')).json.isKnown, false);
    });
  });

  test('a mapping tells what is left; how long that takes is unknown before there is a rate', async () => {
    const row = { source: 'a', target: 'b', messages: 10, remaining: 5, committedAt: null, lastError: 'away' };
    await withJobs(
      { relay: () => ({ mappings: () => [row, { ...row, target: 'c', remaining: null }] }) },
      async (ask) => {
        const [first, second] = (await ask('/relay')).json.rows;
        assert.deepEqual([first.remaining, first.perSecond, first.leftMs, first.lastError], [5, null, null, 'away']);
        assert.deepEqual([second.remaining, second.leftMs], [null, null]);
      },
    );
  });

  test('a rate is known from the second look on', async () => {
    const clock = new ManualClock();
    const rates = new Rates(clock);
    assert.equal(rates.of('a', 100), null);
    await clock.advance(4_000);
    assert.equal(rates.of('a', 500), 100);
    assert.equal(rates.of('a', 600), 100, 'a look at once shows the rate of the one before');
    assert.equal(rates.of('b', 1), null);
  });

  test('REST tells offers, retries and waiting requests by group and topic', () =>
    withJobs(undefined, async (ask, { kafka, httpPort }) => {
      kafka.createTopic('orders', 1);
      kafka.seed('orders', 0, 'v');
      assert.deepEqual((await ask('/rest')).json.rows, []);
      const got = await askUrl(`http://127.0.0.1:${httpPort}/topics/orders/messages?group=g&noAck`);
      assert.equal(got.status, 200, got.text);
      const [row] = (await ask('/rest')).json.rows;
      assert.deepEqual([row.group, row.topic, row.offered, row.waiting, row.retries], ['g', 'orders', 1, 0, 0]);
      assert.ok(row.oldestMs >= 0 && row.most >= 1 && row.oldestWaitMs === null);
    }));
});
