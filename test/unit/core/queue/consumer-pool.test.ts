import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KafkaCode, KafkaError } from '../../../../src/core/ports.js';
import { ConsumerPool } from '../../../../src/core/queue/consumer-pool.js';
import type { QueueSettings } from '../../../../src/core/queue/queue-settings.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import type { GatewayError } from '../../../../src/errors.js';
import { ManualClock } from '../../../support/clock.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { fault } from '../../../support/port-doubles.js';
import { sharedSettings } from '../../../support/queue-settings.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function make(over: Partial<QueueSettings> = {}) {
  const clock = new ManualClock();
  const kafka = new FakeKafka({ clock });
  kafka.createTopic('t', 1);
  const stats = new Stats();
  const context = { name: 'default', kafka, clock, stats, log: quiet, settings: { ...sharedSettings, ...over } };
  const pool = new ConsumerPool(context, new TopicCatalog(kafka.admin, clock));
  const poll = (autoAck = false, topic = 't', group = 'g') => {
    const { delivery, cancel } = pool.poll(group, topic, autoAck);
    const result: { value?: string; error?: string; at?: number; done?: () => void; failed?: () => void } = {};
    delivery.then(
      ({ message, done, failed }) =>
        Object.assign(result, { value: String(message.value), at: clock.now(), done, failed }),
      (error: Error) => Object.assign(result, { error: error.message, at: clock.now() }),
    );
    return { result, cancel };
  };
  /** Closing needs time to pass. */
  const close = async () => {
    const closed = pool.close();
    let over = false;
    void closed.then(() => {
      over = true;
    });
    while (!over) await clock.advance(50);
  };
  const committed = () => kafka.groups.get('g')?.committed.values().next().value?.offset;
  return { clock, kafka, pool, poll, close, committed };
}

/** Nobody learns where a partition begins before the returned function is called. */
function slowJoin(kafka: FakeKafka): () => void {
  const watermarks = kafka.admin.watermarks.bind(kafka.admin);
  let join = (): void => {};
  const joined = new Promise<void>((resolve) => {
    join = resolve;
  });
  kafka.admin.watermarks = async (partitions) => {
    await joined;
    return watermarks(partitions);
  };
  return join;
}

describe('consumer pool', () => {
  it('serves requests first come, first served', async () => {
    const { kafka, clock, poll, close } = make();
    const requests = [poll(), poll(), poll()];
    await clock.advance(100);
    for (const value of ['0', '1', '2']) kafka.seed('t', 0, value);
    await clock.advance(100);
    assert.deepEqual(
      requests.map(({ result }) => result.value),
      ['0', '1', '2'],
    );
    await close();
  });

  it('a request that gets nothing ends when its long poll does, counted from its arrival', async () => {
    const { clock, kafka, poll, close } = make();
    kafka.seed('t', 0, 'joined');
    const before = poll(true);
    await clock.advance(1_000);
    before.result.done?.();
    const start = clock.now();
    const first = poll();
    await clock.advance(1_000);
    const second = poll();
    await clock.advance(1_999);
    assert.deepEqual([first.result.error, second.result.error], [undefined, undefined]);
    await clock.advance(1);
    assert.deepEqual([first.result.error, first.result.at], ['long polling timeout', start + 3_000]);
    await clock.advance(1_000);
    assert.equal(second.result.at, start + 4_000);
    await close();
  });

  it('joining does not count against the long poll: what arrives after a slow join is handed out', async () => {
    const { clock, kafka, poll, close } = make();
    const join = slowJoin(kafka);
    const start = clock.now();
    const first = poll(true);
    await clock.advance(8_000);
    join();
    await clock.advance(2_000);
    assert.equal(first.result.at, undefined);
    kafka.seed('t', 0, 'x');
    await clock.advance(500);
    assert.equal(first.result.value, 'x');
    assert.ok(clock.now() - start > 3_000);
    await close();
  });

  it('a request whose group does not join ends after ten seconds', async () => {
    const { clock, kafka, poll, close } = make();
    const join = slowJoin(kafka);
    const start = clock.now();
    const { result } = poll();
    await clock.advance(9_900);
    assert.equal(result.error, undefined);
    await clock.advance(200);
    assert.deepEqual([result.error, result.at! - start], ['long polling timeout', 10_000]);
    join();
    await close();
  });

  it('the subscription lasts from the last answer, not from the last request', async () => {
    const { clock, kafka, poll, close } = make();
    const members = () => kafka.groups.get('g')?.members.length;
    poll();
    await clock.advance(500);
    // Answered at some 3 s, after a whole long poll: 15 s from then.
    await clock.advance(16_000);
    assert.equal(members(), 1);
    await clock.advance(6_000);
    assert.equal(members(), 0);
    await close();
  });

  it('refuses what exceeds the queue, and only for that group and topic', async () => {
    const { pool, poll, close } = make();
    for (let i = 0; i < 4; i++) poll();
    assert.throws(() => pool.poll('g', 't', false), /^GatewayError: Too many requests/);
    assert.doesNotThrow(() => poll(false, 't', 'other'));
    await close();
  });

  it('refuses more consumers than it may have', async () => {
    const { pool, poll, close } = make();
    for (const group of ['a', 'b', 'c']) poll(false, 't', group);
    assert.throws(() => pool.poll('d', 't', false), /Too many consumers/);
    await close();
  });

  it('auto-ack acks when the reply is out, and commits', async () => {
    const { kafka, clock, poll, close, committed } = make();
    kafka.seed('t', 0, 'x');
    const { result } = poll(true);
    await clock.advance(200);
    assert.equal(result.value, 'x');
    assert.equal(committed(), 0);
    result.done?.();
    await clock.advance(100);
    assert.equal(committed(), 1);
    await close();
  });

  it('a partition that no broker answers for does not keep the group from the others', async () => {
    const { kafka, clock, poll, close } = make();
    kafka.createTopic('two', 2);
    kafka.seed('two', 0, 'here');
    kafka.seed('two', 1, 'later');
    const watermarks = kafka.admin.watermarks.bind(kafka.admin);
    let away: readonly number[] = [1];
    kafka.admin.watermarks = async (partitions) => {
      if (partitions.some(({ partition }) => away.includes(partition)))
        throw new KafkaError({ ...fault(KafkaCode.timedOut), retriable: true });
      return watermarks(partitions);
    };
    const first = poll(true, 'two');
    await clock.advance(200);
    const second = poll(true, 'two');
    await clock.advance(200);
    assert.deepEqual([first.result.value, second.result.value].sort(), ['here', 'later']);
    // Nobody answers: that is waited for.
    away = [0, 1];
    kafka.createTopic('none', 2);
    kafka.seed('none', 0, 'x');
    const third = poll(true, 'none');
    await clock.advance(1_000);
    assert.equal(third.result.value, undefined);
    away = [];
    await clock.advance(1_000);
    assert.equal(third.result.value, 'x');
    await close();
  });

  it('closing while the partitions that were just assigned are still asked about leaves the group all the same', async () => {
    const { kafka, clock, pool, poll } = make();
    kafka.seed('t', 0, 'x');
    const watermarks = kafka.admin.watermarks.bind(kafka.admin);
    let answer = (): void => {};
    const asked = new Promise<void>((resolve) => {
      kafka.admin.watermarks = (partitions) => {
        resolve();
        return new Promise((give) => {
          answer = () => give(watermarks(partitions));
        });
      };
    });
    poll();
    await clock.advance(50);
    await asked;
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    await clock.advance(50);
    answer();
    for (let passed = 0; passed < 30_000 && !isClosed; passed += 50) await clock.advance(50);
    assert.ok(isClosed, 'still open after 30 s');
    await closed;
    assert.deepEqual(kafka.groups.get('g')?.members, []);
  });

  it('positions that are set while a consumer closes are committed, or refused: nobody waits for ever', async () => {
    const { kafka, clock, pool, poll, committed } = make();
    for (const value of ['0', '1', '2', '3']) kafka.seed('t', 0, value);
    poll();
    await clock.advance(50);
    const consumer = pool.find('g', 't')!;
    const settled: string[] = [];
    const set = (offset: number): void => {
      const done = consumer.setOffsets([{ topic: 't', partition: 0, offset, metadata: '' }]);
      done.then(
        () => settled.push(`${offset}`),
        () => settled.push(`${offset} refused`),
      );
    };
    set(1);
    const closed = pool.close();
    set(2);
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    for (let passed = 0; passed < 60_000 && !isClosed; passed += 50) {
      if (passed === 50) set(3);
      await clock.advance(50);
    }
    set(0);
    await clock.advance(50);
    assert.deepEqual(
      settled.map((each) => each[0]),
      ['1', '2', '3', '0'],
    );
    assert.equal(settled.at(-1), '0 refused');
    assert.equal(committed(), 3);
  });

  it('a reply that failed: the next request gets the message at once', async () => {
    const { kafka, clock, poll, close } = make();
    kafka.seed('t', 0, 'x');
    const first = poll(true);
    await clock.advance(200);
    const second = poll(true);
    first.result.failed?.();
    await clock.advance(1);
    assert.equal(second.result.value, 'x');
    first.result.done?.();
    assert.doesNotThrow(() => second.result.done?.());
    await close();
  });

  it('a client that goes while it waits is not served', async () => {
    const { kafka, clock, poll, close } = make();
    const gone = poll();
    const next = poll();
    await clock.advance(100);
    gone.cancel();
    kafka.seed('t', 0, 'x');
    await clock.advance(100);
    assert.deepEqual([gone.result.value, next.result.value], [undefined, 'x']);
    await close();
  });

  it('without an ack the message comes again after the ack time-out, to who waits', async () => {
    const { kafka, clock, poll, close } = make();
    kafka.seed('t', 0, 'x');
    const first = poll();
    await clock.advance(100);
    const second = poll();
    await clock.advance(800);
    assert.equal(second.result.value, undefined);
    await clock.advance(200);
    assert.equal(second.result.value, 'x');
    assert.equal((second.result.at ?? 0) - (first.result.at ?? 0), 1_000);
    await close();
  });

  it('leaves the group when nobody asks any more; the next request joins again', async () => {
    const { kafka, clock, poll, close } = make();
    kafka.seed('t', 0, 'x');
    poll(true);
    await clock.advance(100);
    assert.equal(kafka.groups.get('g')?.members.length, 1);
    // Nobody acks: the subscription stays as long as the ack may come.
    await clock.advance(16_500);
    assert.equal(kafka.groups.get('g')?.members.length, 0);
    const again = poll(true);
    await clock.advance(2_000);
    assert.equal(again.result.value, 'x');
    await close();
  });

  it('an expired subscription ends with its last ack', async () => {
    const { kafka, clock, pool, poll, close, committed } = make({ ackTimeoutMs: 60_000 });
    kafka.seed('t', 0, 'x');
    poll();
    await clock.advance(100);
    await clock.advance(19_900);
    assert.equal(kafka.groups.get('g')?.members.length, 1);
    pool.ack('g', 't', 0, 0);
    await clock.advance(1_500);
    assert.equal(kafka.groups.get('g')?.members.length, 0);
    assert.equal(committed(), 1);
    assert.throws(() => pool.ack('g', 't', 0, 0), /acks channel missing for \{g t 0\}/);
    await close();
  });

  it('a request of an expired subscription is served as ever', async () => {
    const { kafka, clock, pool, poll, close } = make({ ackTimeoutMs: 60_000 });
    kafka.seed('t', 0, 'x');
    kafka.seed('t', 0, 'y');
    poll();
    await clock.advance(100);
    await clock.advance(19_900);
    const { result } = poll();
    await clock.advance(1);
    assert.equal(result.value, 'y');
    pool.ack('g', 't', 0, 0);
    await clock.advance(5_000);
    assert.equal(kafka.groups.get('g')?.members.length, 1, 'asked again, it stays');
    pool.ack('g', 't', 0, 1);
    await close();
  });

  it('while a rebalance waits for acks they are taken, and the offers stay ours when the partition comes back', async () => {
    const { kafka, clock, pool, poll, close, committed } = make();
    for (const value of ['0', '1', '2']) kafka.seed('t', 0, value);
    poll();
    poll();
    await clock.advance(100);
    void kafka.rebalance('g');
    await clock.advance(100);
    pool.ack('g', 't', 0, 0);
    await clock.advance(500);
    assert.equal(committed(), 1);
    const next = poll();
    await clock.advance(100);
    assert.equal(next.result.value, '2', 'not 1, which is with a client');
    pool.ack('g', 't', 0, 1);
    await clock.advance(100);
    assert.equal(committed(), 2);
    await close();
  });

  it('a topic that is deleted and made again is read from its first message, and nothing of the old one is committed', async () => {
    const { kafka, clock, pool, poll, close, committed } = make({ initialOffset: 'newest' });
    poll();
    await clock.advance(500);
    for (const value of ['old 0', 'old 1', 'old 2']) kafka.seed('t', 0, value);
    const [, second] = [poll(), poll()];
    await clock.advance(500);
    assert.equal(second?.result.value, 'old 2');
    pool.ack('g', 't', 0, 0);
    await clock.advance(1_000);
    await kafka.admin.deleteTopic('t');
    kafka.createTopic('t', 1);
    for (let i = 0; i < 5; i++) kafka.seed('t', 0, `new ${i}`);
    for (let i = 0; i < 60; i++) await clock.advance(100);
    assert.equal(committed(), 0);
    const anew = poll(true);
    for (let i = 0; i < 20; i++) await clock.advance(100);
    assert.equal(anew.result.value, 'new 0');
    anew.result.done?.();
    await clock.advance(1_000);
    assert.equal(committed(), 1);
    await close();
  });

  it('closing does not commit for a topic that is another one than what was acked', async () => {
    const { kafka, clock, pool, poll, close, committed } = make({ commitIntervalMs: 60_000 });
    for (const value of ['old 0', 'old 1']) kafka.seed('t', 0, value);
    poll();
    await clock.advance(500);
    await clock.advance(500);
    pool.ack('g', 't', 0, 0);
    await kafka.admin.deleteTopic('t');
    kafka.createTopic('t', 1);
    await close();
    assert.equal(committed(), undefined);
  });

  it('an ack in the middle of a rebalance is not confirmed, as the partition may go elsewhere; it counts when it comes back', async () => {
    const { kafka, clock, pool, poll, close, committed } = make({ rebalanceAckTimeoutMs: 50 });
    kafka.seed('t', 0, 'x');
    poll();
    await clock.advance(100);
    const { groupOffsets } = kafka.admin;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    kafka.admin.groupOffsets = async (...asked) => {
      await held;
      return groupOffsets.apply(kafka.admin, asked);
    };
    void kafka.rebalance('g');
    await clock.advance(200);
    assert.throws(() => pool.ack('g', 't', 0, 0), /acks channel missing/);
    release();
    await clock.advance(1_500);
    assert.equal(committed(), 1);
    await close();
  });

  it('closing: who waits is told, acks are taken until the end, sparse ones are written down', async () => {
    const { kafka, clock, pool, poll, committed } = make();
    for (const value of ['0', '1', '2']) kafka.seed('t', 0, value);
    for (let i = 0; i < 3; i++) {
      poll();
      await clock.advance(50);
    }
    const waiting = poll();
    const closed = pool.close();
    await clock.advance(10);
    assert.equal(waiting.result.error, 'service is shutting down');
    assert.throws(() => pool.poll('g', 't', false), /service is shutting down/);
    pool.ack('g', 't', 0, 0);
    pool.ack('g', 't', 0, 2);
    for (let i = 0; i < 60; i++) await clock.advance(50);
    await closed;
    assert.equal(committed(), 1);
    const [kept] = await kafka.admin.groupOffsets('g', [{ topic: 't', partition: 0 }]);
    assert.deepEqual([kept?.offset, kept?.metadata], [1, 'BB']);
  });

  it('disabled: every request is refused', () => {
    const { pool } = make({ disabled: true });
    assert.throws(() => pool.poll('g', 't', false), /service is disabled by configuration/);
  });

  it('a topic or group that may not be read was a long poll that expired: who waits is refused, and it is tried again', async () => {
    const { kafka, clock, pool, poll, close } = make();
    const waiting = poll();
    await clock.advance(100);
    for (const consumer of kafka.consumers) consumer.tell(fault(30, 'Broker: Group authorization failed'));
    await clock.advance(1);
    assert.equal(waiting.result.error, 'Kafka does not permit it: Broker: Group authorization failed');
    assert.throws(
      () => pool.poll('g', 't', false),
      (error: GatewayError) => error.httpStatus === 403 && error.grpcStatus === 7,
    );
    await clock.advance(3_000);
    const mended = poll();
    await clock.advance(1_500);
    kafka.seed('t', 0, 'after');
    await clock.advance(1_500);
    assert.equal(mended.result.value, 'after');
    await close();
  });

  it('what Kafka refuses of a group otherwise is not possible now: 503', async () => {
    const { kafka, clock, pool, poll, close } = make();
    poll();
    await clock.advance(100);
    for (const consumer of kafka.consumers) consumer.tell(fault(23, 'Broker: Inconsistent group protocol'));
    assert.throws(
      () => pool.poll('g', 't', false),
      (error: GatewayError) => error.httpStatus === 503 && error.grpcStatus === 14,
    );
    await close();
  });
});
