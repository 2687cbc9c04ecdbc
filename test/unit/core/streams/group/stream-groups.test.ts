// How many groups are open at once, and which of them makes room.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { Stats } from '../../../../../src/core/stats/stats.js';
import type { StreamGroup } from '../../../../../src/core/streams/group/stream-group.js';
import { StreamGroups } from '../../../../../src/core/streams/group/stream-groups.js';
import { TopicCatalog } from '../../../../../src/core/topics/topic-catalog.js';
import { ManualClock } from '../../../../support/clock.js';
import { FakeKafka } from '../../../../support/fake-kafka.js';
import { streamConsumerSettings, streamGroupSettings } from '../../../../support/stream-group-settings.js';

test('groups whose members are all gone make room for new ones, the one that was asked for longest ago first', async () => {
  const kafka = new FakeKafka();
  const clock = new ManualClock();
  const groups = new StreamGroups({
    context: {
      kafka,
      clock,
      stats: new Stats(),
      log: pino({ level: 'silent' }),
      settings: streamConsumerSettings,
    },
    catalog: new TopicCatalog(kafka.admin, clock),
    settings: {
      ...streamGroupSettings,
      idleMs: 600_000,
      pendingTimeoutMs: 600_000,
      pendingBytes: 0,
    },
    maxConsumers: 3,
    onGivenUp: async () => {},
  });
  const socket = {};
  const open = (name: string): StreamGroup => {
    kafka.createTopic(name, 1);
    const group = groups.open('g', name);
    group.members.seen('c', group.now(), socket);
    group.used();
    return group;
  };
  open('first');
  await clock.advance(500);
  open('second');
  open('third');
  await clock.advance(1_000);
  // Connections speak for all of them.
  assert.throws(() => open('fourth'), /Too many consumers/);
  groups.gone(socket);
  groups.find('g', 'third')!.members.seen('c', clock.now(), {});
  open('fourth');
  assert.equal(groups.find('g', 'first'), undefined);
  open('fifth');
  assert.equal(groups.find('g', 'second'), undefined);
  assert.equal(groups.size, 3);
  const closed = groups.close();
  await clock.advance(60_000);
  await closed;
  await kafka.close();
});
