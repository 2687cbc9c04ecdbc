// When librdkafka is polled for delivery reports: quickly while somebody waits, slowly while something is in flight, else never.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { NativeProducer } from '../../../src/kafka/native.js';
import { drainReports, ReportPoller, takeBatch } from '../../../src/kafka/poller.js';
import { eventually } from '../../support/eventually.js';

function polled() {
  const counter = { polls: 0, inFlight: 0 };
  const native = { poll: () => void counter.polls++ } as unknown as NativeProducer;
  return { counter, poller: new ReportPoller(native, async () => counter.inFlight === 0) };
}

describe('delivery reports', () => {
  it('are not polled for while nothing was produced', async () => {
    const { counter, poller } = polled();
    poller.hurry(() => counter.inFlight > 0);
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(counter.polls, 0);
  });

  it('are polled for every turn while somebody waits, and no longer', async () => {
    const { counter, poller } = polled();
    counter.inFlight = 1;
    poller.hurry(() => counter.inFlight > 0);
    poller.hurry(() => counter.inFlight > 0);
    for (let i = 0; i < 20; i++) await turn();
    assert.ok(counter.polls >= 15 && counter.polls <= 21, `${counter.polls} polls in 20 turns`);
    counter.inFlight = 0;
    await turn();
    const { polls } = counter;
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(counter.polls, polls);
  });

  it('go on being polled for when a report takes long', async () => {
    const { counter, poller } = polled();
    counter.inFlight = 1;
    poller.hurry(() => counter.inFlight > 0);
    await eventually(5_000, () => counter.polls > 210);
    counter.inFlight = 0;
    poller.stop();
  });

  it('are polled for by a timer until nothing is in flight', async () => {
    const { counter, poller } = polled();
    counter.inFlight = 1;
    poller.produced();
    poller.produced();
    await eventually(5_000, () => counter.polls >= 2);
    counter.inFlight = 0;
    const { polls } = counter;
    await eventually(5_000, () => counter.polls > polls);
    counter.inFlight = 1;
    poller.produced();
    await eventually(5_000, () => counter.polls > polls + 1);
    poller.stop();
  });

  it('are drained once two turns bring no more', async () => {
    let emitted = 0;
    setImmediate(() => {
      emitted = 100;
      setImmediate(() => {
        emitted = 150;
      });
    });
    await drainReports(() => emitted);
    assert.equal(emitted, 150);
  });
});

describe('a wait for messages', () => {
  const message = (offset: number) => ({ topic: 't', partition: 0, offset, timestamp: 0, key: null, value: null });

  it('without packing takes one with a wait, and what is ready without', async () => {
    const calls: number[][] = [];
    const native = {
      consume(waitMs: number, max: number, done: (error: null, messages: object[], ends: object[]) => void) {
        calls.push([waitMs, max]);
        done(null, calls.length === 1 ? [message(0)] : [message(1), message(2)], []);
      },
    };
    const { messages } = await takeBatch(native as never, 5_000, 10, false);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [0, 1, 2],
    );
    assert.deepEqual(calls, [
      [1_000, 1],
      [0, 9],
    ]);
  });

  it('with packing is one call, whose error comes beside the messages', async () => {
    const calls: number[][] = [];
    const native = {
      consumeBatch(waitMs: number, max: number, done: (...result: unknown[]) => void) {
        calls.push([waitMs, max]);
        done(null, null, Buffer.from(new Float64Array([0, 0, 4, 5, -1, -1, 0]).buffer), ['t'], -195);
      },
    };
    const { messages, error } = await takeBatch(native as never, 20, 10, true);
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [4],
    );
    assert.equal(error, -195);
    assert.deepEqual(calls, [[20, 10]]);
  });
});
