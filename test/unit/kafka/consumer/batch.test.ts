// Packed batches of messages taken apart.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unpack } from '../../../../src/kafka/consumer/batch.js';

const bytes = (...parts: string[]) => Buffer.from(parts.join(''));
const fields = (...numbers: number[]) => Buffer.from(new Float64Array(numbers).buffer);

describe('a packed batch', () => {
  it('may be empty', () => {
    assert.deepEqual(unpack(null, null, []), { messages: [], ends: [] });
  });

  it('tells null and empty apart', () => {
    const { messages } = unpack(bytes('v'), fields(0, 3, 7, 1000, -1, 1, 0, 0, 3, 8, -1, 0, -1, 0), ['t']);
    assert.deepEqual(messages, [
      { topic: 't', partition: 3, offset: 7, timestamp: 1000, key: null, value: Buffer.from('v'), headers: [] },
      { topic: 't', partition: 3, offset: 8, timestamp: -1, key: Buffer.alloc(0), value: null, headers: [] },
    ]);
  });

  it('needs no bytes at all', () => {
    const { messages } = unpack(null, fields(0, 0, 0, 5, 0, 0, 0), ['t']);
    assert.deepEqual([messages[0]?.key, messages[0]?.value], [Buffer.alloc(0), Buffer.alloc(0)]);
  });

  it('has topics, headers and offsets beyond 32 bits', () => {
    const far = 2 ** 52 + 1;
    const packed = fields(1, 0, far, 5, 1, 2, 3, 1, 2, 1, -1, 2, 0, 0, 0, 1, 5, -1, 1, 0);
    const { messages } = unpack(bytes('k', 'vw', 'a', 'AA', 'b', 'é', 'x'), packed, ['t', 'u']);
    assert.deepEqual(messages, [
      {
        topic: 'u',
        partition: 0,
        offset: far,
        timestamp: 5,
        key: Buffer.from('k'),
        value: Buffer.from('vw'),
        headers: [
          { key: 'a', value: Buffer.from('AA') },
          { key: 'b', value: null },
          { key: 'é', value: Buffer.alloc(0) },
        ],
      },
      { topic: 't', partition: 0, offset: 1, timestamp: 5, key: null, value: Buffer.from('x'), headers: [] },
    ]);
  });

  it('tells ends beside messages', () => {
    const packed = fields(0, 0, 4, 5, -1, 1, 0, 0, 0, 5, -1, -1, -1, -1, 1, 2, 9, -1, -1, -1, -1);
    const { messages, ends } = unpack(bytes('x'), packed, ['t', 'u']);
    assert.equal(messages.length, 1);
    assert.deepEqual(ends, [
      { topic: 't', partition: 0, offset: 5 },
      { topic: 'u', partition: 2, offset: 9 },
    ]);
  });
});
