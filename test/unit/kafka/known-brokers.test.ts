import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownBrokers } from '../../../src/kafka/known-brokers.js';

test('a client begins with the brokers of the configuration and those that the cluster tells of', () => {
  const known = new KnownBrokers('one:9092, two:9092');
  assert.deepEqual([known.list, known.version], ['one:9092,two:9092', 0]);
  known.learn([
    { host: 'two', port: 9092 },
    { host: '::1', port: 9093 },
  ]);
  assert.deepEqual([known.list, known.version], ['one:9092,two:9092,[::1]:9093', 1]);
  known.learn([
    { host: '::1', port: 9093 },
    { host: 'two', port: 9092 },
  ]);
  assert.equal(known.version, 1, 'the same in another order');
  known.learn([{ host: 'three', port: 9092 }]);
  assert.equal(known.list, 'one:9092,two:9092,three:9092', 'one that is no longer told of is left out');
  known.learn([]);
  assert.equal(known.list, 'one:9092,two:9092,three:9092');
});
