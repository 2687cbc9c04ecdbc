// Opening and closing the consumers of RESP connections: the limit, brokers that do not answer, clients that do not wait.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConsumerSession } from '../../../../src/core/consume/consumer-session.js';
import { ConsumerSessions } from '../../../../src/core/consume/consumer-sessions.js';
import { SessionLog } from '../../../../src/core/stats/session-log.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { kafkaError } from '../../../support/port-doubles.js';

const quiet = { info() {}, warn() {}, error() {} };

function make(maxConsumers = 10) {
  const clock = new ManualClock();
  const kafka = new FakeKafka({ clock });
  kafka.createTopic('t', 1);
  const sessions = new ConsumerSessions({
    kafka,
    catalog: new TopicCatalog(kafka.admin, clock),
    clock,
    stats: new Stats(),
    log: new SessionLog(quiet, () => clock.monotonic()),
    maxConsumers,
    prefetchBytes: 1_000_000,
    maxPollIntervalMs: 300_000,
  });
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    let isOver = false;
    work.then(
      () => {
        isOver = true;
      },
      () => {
        isOver = true;
      },
    );
    while (!isOver) await clock.advance(10);
    return work;
  };
  const open = (name: string, timeoutMs = 1_000, { signal = new AbortController().signal, delayMs = 0 } = {}) =>
    sessions.open(
      { id: `g:${name}`, groupId: 'g', clientId: name, topics: ['t'], properties: {}, delayMs },
      timeoutMs,
      signal,
    );
  return { clock, kafka, sessions, settled, open };
}

describe('consumer sessions', () => {
  test('beyond the limit one is refused, and those that are being opened count', async () => {
    const { sessions, settled, open } = make(2);
    const opening = [open('a'), open('b')];
    await assert.rejects(open('c'), /2/);
    const [a] = (await settled(Promise.all(opening))) as ConsumerSession[];
    assert.equal(sessions.count, 2);
    await settled(sessions.close(a!, 1_000));
    assert.equal(sessions.count, 1);
    assert.ok(await settled(open('c')));
  });

  test('brokers that do not answer are waited for, and a client that came for less gets nothing after two seconds', async () => {
    const { clock, kafka, sessions, settled, open } = make();
    kafka.faults.unreachable = true;
    const from = clock.monotonic();
    assert.equal(await settled(open('a', 1)), undefined);
    const waited = clock.monotonic() - from;
    assert.ok(waited >= 1_000 && waited <= 2_000, String(waited));
    const patient = open('b', 10_000);
    await clock.advance(3_000);
    kafka.faults.unreachable = false;
    assert.ok(await settled(patient));
    assert.equal(sessions.count, 1);
  });

  test('a client that goes while its consumer is opened leaves none behind', async () => {
    const { clock, kafka, sessions, settled, open } = make();
    const gone = new AbortController();
    const opening = open('a', 5_000, { signal: gone.signal });
    gone.abort();
    assert.equal(await settled(opening), undefined);
    await clock.advance(1_000);
    assert.equal(sessions.count, 0);
    assert.equal([...kafka.consumers].length, 0);
    assert.equal(kafka.group('g').members.length, 0);
  });

  test('settings that librdkafka refuses are an error at once; nothing stays counted', async () => {
    const { kafka, sessions, settled, open } = make();
    kafka.consumer = async () => {
      throw kafkaError(-186, 'No such configuration property');
    };
    await assert.rejects(settled(open('a', 60_000)), /No such configuration property/);
    assert.equal(sessions.count, 0);
  });

  test('one that was refused before waits before it is tried again', async () => {
    const { clock, kafka, settled, open } = make();
    const from = clock.monotonic();
    assert.ok(await settled(open('a', 5_000, { delayMs: 1_000 })));
    assert.ok(clock.monotonic() - from >= 1_000);
    assert.equal(kafka.consumers.size, 1);
  });

  test('many are opened one after the other, so that the event loop has time for others', async () => {
    const { clock, kafka, open } = make(50);
    const all = Promise.all(Array.from({ length: 20 }, (_, i) => open(String(i), 10_000)));
    await clock.advance(100);
    assert.ok(kafka.consumers.size <= 7, String(kafka.consumers.size));
    await clock.advance(1_000);
    assert.equal(kafka.consumers.size, 20);
    assert.equal((await all).filter(Boolean).length, 20);
  });
});
