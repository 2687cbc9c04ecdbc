// The ledger in its short form: `node build/test/campaign/ledger.js` is the long one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, runLedger } from '../campaign/ledger.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

test('nothing acknowledged is lost or comes again while gateway and broker are killed and restarted', async (t) => {
  if (!met(t, whyNoKafka())) return;
  const result = await runLedger({
    ids: 4_000,
    kills: 2,
    terms: 1,
    brokerRestarts: 1,
    writers: 2,
    consumers: 2,
    pauseMs: 4_000,
    say: (text) => t.diagnostic(text),
  });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(failures(result), {});
  assert.ok(result.covered > result.produced / 2, 'most of what was produced was covered by a DUMP');
});
