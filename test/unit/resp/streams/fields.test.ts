import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsToRecord, recordToFields } from '../../../../src/resp/streams/fields.js';

const valueFields = ['value', 'data', 'payload'];
const buffers = (...texts: string[]) => texts.map((text) => Buffer.from(text));
const through = (fields: Buffer[]) => recordToFields(fieldsToRecord(fields, valueFields));

test('any fields come back as they were: order, repeats and bytes', () => {
  const names = ['value', 'data', 'key', 'payload', 'a', '', '_f', '_k', '_b:x', '__proto__', 'x\0y', '0', 'k\u00e9y'];
  const name = fc.oneof(
    fc.constantFrom(...names).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  );
  const value = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes));
  const fields = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 6 }).map((pairs) => pairs.flat());
  fc.assert(
    fc.property(fields, (sent) => assert.deepEqual(through(sent), sent)),
    { numRuns: 2_000 },
  );
});

test('the value is the first of the preferred fields, or the only field', () => {
  assert.deepEqual(fieldsToRecord(buffers('value', 'v'), valueFields), {
    key: null,
    value: Buffer.from('v'),
    headers: [],
    hasValue: true,
  });
  const only = fieldsToRecord(buffers('temperature', '20'), valueFields);
  assert.deepEqual(only.value, Buffer.from('20'));
  assert.deepEqual(only.headers, [{ key: '_f', value: Buffer.from('temperature') }]);
  const preferred = fieldsToRecord(buffers('payload', 'p', 'data', 'd', 'key', 'k', 'h', '1', 'h', '2'), valueFields);
  assert.deepEqual(preferred.value, Buffer.from('d'));
  assert.deepEqual(preferred.key, Buffer.from('k'));
  assert.deepEqual(
    preferred.headers.filter(({ key }) => !key.startsWith('_')).map(({ key, value }) => [key, String(value)]),
    [
      ['payload', 'p'],
      ['h', '1'],
      ['h', '2'],
    ],
  );
});

test('no value field among several: an empty value, never null', () => {
  const { value, hasValue } = fieldsToRecord(buffers('a', '1', 'b', '2'), valueFields);
  assert.deepEqual([value.length, hasValue], [0, false]);
});

test('records of other producers show as value, key and headers; a tombstone has no value field', () => {
  const headers = [
    { key: 'trace', value: Buffer.from('t') },
    { key: 'null', value: null },
  ];
  const shown = recordToFields({ key: Buffer.from('k'), value: Buffer.from('v'), headers });
  assert.deepEqual(shown.map(String), ['value', 'v', 'key', 'k', 'trace', 't', 'null', '']);
  assert.deepEqual(recordToFields({ key: Buffer.from('k'), value: null, headers: [] }).map(String), ['key', 'k']);
  assert.deepEqual(recordToFields({ key: null, value: Buffer.alloc(0), headers: [] }).map(String), ['value', '']);
});
