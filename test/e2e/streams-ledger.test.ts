// The streams' ledger in its short form: `node build/test/campaign/streams-ledger.js` is the long one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, runLedger } from '../campaign/streams-ledger.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

test('entries that XADD has answered arrive, and acknowledged ones stay so, while gateways are killed', async (t) => {
  if (!met(t, whyNoKafka())) return;
  const say = (text: string) => t.diagnostic(text);
  const result = await runLedger({ ids: 3_000, kills: 2, pauseMs: 5_000, say });
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(failures(result), {});
  assert.ok(result.confirmed > 2_000, 'most of what was sent was confirmed');
});
