// WriteCoalescer: who is answered at once, and who with the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteCoalescer } from '../../../../src/resp/connection/write-coalescer.js';
import { Encoder } from '../../../../src/resp/wire/encoder.js';

const turnEnds = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one that alone was answered in eight turns need not wait, until another is answered', async () => {
  const written: string[] = [];
  const writer = (name: string) => ({ write: () => void written.push(name), failed: assert.fail });
  const [a, b] = [writer('a'), writer('b')];
  const turns = new WriteCoalescer(new Encoder());
  for (let turn = 0; turn < 8; turn++) {
    assert.equal(turns.isAlone(a), false, `turn ${turn}`);
    turns.add(a);
    await turnEnds();
  }
  assert.deepEqual([turns.isAlone(a), turns.isAlone(b)], [true, false]);
  turns.add(b);
  assert.equal(turns.isAlone(a), false, 'b is answered in this turn');
  turns.add(a);
  assert.equal(written.length, 8, 'nothing is written before the turn ends');
  await turnEnds();
  assert.deepEqual(written.slice(8), ['b', 'a']);
  assert.deepEqual([turns.isAlone(a), turns.isAlone(b)], [false, false]);
});
