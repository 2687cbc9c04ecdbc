import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientProperties, correctedProperties } from '../../../../src/core/consume/client-properties.js';
import { GatewayError } from '../../../../src/errors.js';

const check = (wanted: Record<string, string | number | boolean>) =>
  clientProperties(wanted, 1_048_576, 'g:c|t', 'g:c');

test("a client's own reading is its own to shape", () => {
  const { properties, corrected } = check({ 'auto.offset.reset': 'latest', 'fetch.wait.max.ms': 5 });
  assert.equal(properties['auto.offset.reset'], 'latest');
  assert.equal(properties['fetch.wait.max.ms'], 5);
  assert.deepEqual(corrected, []);
});

for (const key of [
  'bootstrap.servers',
  'sasl.password',
  'ssl.ca.location',
  'plugin.library.paths',
  'rebalance_cb',
  'debug',
  'test.mock.num.brokers',
  'group.id',
  'client.id',
  'foo',
]) {
  test(`${key} is the operator's`, () => {
    assert.throws(() => check({ [key]: 'x' }), {
      message: `Failed to register Consumer 'g:c|t' for Client 'g:c': ${key} cannot be set by a client`,
    });
  });
}

test('what would break acknowledgements is corrected', () => {
  const { properties, corrected } = check({ 'enable.auto.commit': false, 'enable.partition.eof': true });
  assert.equal(properties['enable.auto.commit'], true);
  assert.equal(properties['enable.auto.offset.store'], false);
  assert.deepEqual(corrected, ['enable.auto.commit', 'enable.partition.eof']);
  assert.deepEqual(check({ 'enable.auto.commit': 'true' }).corrected, []);
});

test("sizes are clamped to the operator's budget, each in its unit", () => {
  const { properties, corrected } = check({ 'fetch.max.bytes': 5_000_000, 'queued.max.messages.kbytes': 65_536 });
  assert.equal(properties['fetch.max.bytes'], 1_048_576);
  assert.equal(properties['queued.max.messages.kbytes'], 1_024);
  assert.deepEqual(corrected, ['fetch.max.bytes', 'queued.max.messages.kbytes']);
});

test("a value that is no number is left for librdkafka's own complaint", () => {
  assert.equal(check({ 'fetch.max.bytes': 'much' }).properties['fetch.max.bytes'], 'much');
  assert.equal(check({ 'session.timeout.ms': true }).properties['session.timeout.ms'], true);
});

test("the operator's settings that acks overrule are named", () => {
  assert.deepEqual(correctedProperties({ 'enable.auto.offset.store': true, 'enable.auto.commit': 'true' }), [
    'enable.auto.offset.store',
  ]);
});

test('the refusal is an expected failure', () => {
  assert.throws(() => check({ foo: 'bar' }), GatewayError);
});
