// Names of consumer groups: what every listener refuses before Kafka is asked anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGroupName, isLegalGroupName } from '../../../src/core/group-name.js';
import { KafkaProxy } from '../../../src/core/queue/proxy.js';
import { Stats } from '../../../src/core/stats/stats.js';
import { GatewayError } from '../../../src/errors.js';
import { ManualClock } from '../../support/clock.js';
import { FakeKafka } from '../../support/fake-kafka.js';
import { produceSettings, sharedSettings } from '../../support/queue-settings.js';

const refused = (error: unknown) => error instanceof GatewayError && error.code === 'group-invalid';

test('a name behind a NUL passed a check that the group in front of it would not have passed', () => {
  for (const name of [
    '',
    'victim.T\0-bob',
    'a\nb',
    'a\x7f',
    'a\x85',
    '\ud800',
    'a\ufffd',
    'x'.repeat(1_025),
    'ü'.repeat(513),
  ])
    assert.throws(() => checkGroupName(name), refused, JSON.stringify(name));
  for (const name of ['g', 'com.acme/billing v2 %2E', 'größe', '組😀', 'x'.repeat(1_024), 'ü'.repeat(512)])
    assert.equal(isLegalGroupName(name), true, name);
});

test('the refusal shows the name and can be logged as one line', () => {
  const text = (name: string) => {
    try {
      checkGroupName(name);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.match(text('a\0\n\ud800b'), /^Invalid group name 'a\\x00\\x0a\\ud800b': use 1 to 1024 bytes/);
  assert.ok(text('x'.repeat(2_000)).length < 200);
});

test('REST and gRPC took any text for a group', async () => {
  const clock = new ManualClock();
  const kafka = new FakeKafka({ clock });
  kafka.createTopic('t', 1);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const context = { name: 'default', kafka, clock, stats: new Stats(), log: quiet, settings: sharedSettings };
  const proxy = new KafkaProxy({ ...context, produce: produceSettings });
  const group = 'victim\0bob';
  assert.throws(() => proxy.poll(group, 't', 'auto'), refused);
  assert.throws(() => proxy.ack(group, 't', { partition: 0, offset: 0 }), refused);
  await assert.rejects(async () => proxy.offsets(group, 't'), refused);
  await assert.rejects(async () => proxy.setOffsets(group, 't', []), refused);
  await assert.rejects(async () => proxy.consumers('t', group), refused);
  assert.equal(kafka.groups.size, 0);
});
