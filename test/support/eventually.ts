// Waits for a condition instead of for a time.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats the question until the answer is truthy; fails after timeoutMs. */
export async function eventually(timeoutMs: number, holds: () => unknown | Promise<unknown>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) assert.fail(`did not come true within ${timeoutMs} ms: ${holds}`);
    await sleep(5);
  }
}
