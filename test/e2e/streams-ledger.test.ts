// The ledgers of streams, plain lists and pair replies in their short form: `node build/test/campaign/streams-ledger.js` and
// lists-ledger.js are the long ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lists, pairs } from '../campaign/lists-ledger.js';
import { streams } from '../campaign/streams-ledger.js';
import { type Dialect, failures, runLedger } from '../campaign/two-gateways.js';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

const ledgers: Readonly<Record<string, Dialect>> = {
  'entries that XADD has answered arrive, and acknowledged ones stay so': streams,
  'elements that RPUSH has answered are popped, and what was popped before stays so': lists,
  'what a DUMP covers comes as pairs, and what was popped before stays so': pairs,
};

for (const [title, dialect] of Object.entries(ledgers))
  test(`${title}, while gateways are killed`, async (t) => {
    if (!met(t, whyNoKafka())) return;
    const say = (text: string) => t.diagnostic(text);
    const result = await runLedger(dialect, { ids: 3_000, kills: 2, pauseMs: 5_000, say });
    t.diagnostic(JSON.stringify(result));
    assert.deepEqual(failures(result), {});
    assert.ok(result.confirmed > 2_000, 'most of what was sent was confirmed');
  });
