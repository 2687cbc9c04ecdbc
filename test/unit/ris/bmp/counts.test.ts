// Counters are handed on piecemeal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountsReader, noCounts } from '../../../../src/ris/bmp/counts.js';

test('each take tells what came since the last one', () => {
  const counts = noCounts();
  const reader = new CountsReader(counts);
  assert.deepEqual(reader.take(), { encoded: [], malformed: [], odd: [] });
  counts.raw += 3;
  counts.malformed.prefix = 2;
  // Not taken for the encoder's own counter of the same name.
  counts.malformed.length = 1;
  counts.jsonOdd.length = 4;
  assert.deepEqual(reader.take(), {
    encoded: [['raw', 3]],
    malformed: [
      ['prefix', 2],
      ['length', 1],
    ],
    odd: [['length', 4]],
  });
  counts.raw++;
  assert.deepEqual(reader.take(), { encoded: [['raw', 1]], malformed: [], odd: [] });
});
