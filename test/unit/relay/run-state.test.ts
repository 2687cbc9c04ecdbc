// The stop signal of a mapping: waits end with it, and leave nothing behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../../../src/core/ports.js';
import { RunState } from '../../../src/relay/run-state.js';
import { realClock } from '../../support/clock.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a run', () => {
  test('a wait ends with the stop signal, and one that comes later at once', async () => {
    const run = new RunState(realClock, 1_000);
    const waits = [run.pause(3_600_000), run.pause(3_600_000)];
    run.stop();
    await Promise.all(waits);
    await run.pause(3_600_000);
  });

  test('waits that are over take no memory: each health check was kept for as long as the relay ran', async () => {
    const clock: Clock = {
      ...realClock,
      after: (_ms, call) => {
        queueMicrotask(() => void call());
        return () => {};
      },
    };
    const run = new RunState(clock, 1_000);
    const wait = async (count: number): Promise<number> => {
      for (let n = 0; n < count; n++) await run.pause(1);
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await wait(1_000);
    const after = await wait(50_000);
    assert.ok(after - before < 2_000_000, `${after - before} bytes for 50,000 waits`);
  });
});
