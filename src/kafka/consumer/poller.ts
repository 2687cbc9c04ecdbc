// How a consumer waits for messages. See docs/decisions/0003. (Producers are woken: reports.ts.)

import type { NativeConsumer } from '../native.js';
import { type Batch, unpack } from './batch.js';

/** The longest single wait: it cannot be interrupted, so closing a consumer may take this long. */
const longestWaitMs = 1000;

/**
 * One wait for a first message on a thread of libuv's pool, then all messages that are ready: polling without a wait
 * costs 15 % of a core for 17 idle consumers.
 */
export function takeBatch(native: NativeConsumer, waitMs: number, max: number): Promise<Batch> {
  return new Promise((resolve) => {
    native.consumeBatch(
      Math.min(waitMs, longestWaitMs),
      max,
      (_, bytes, fields, topics, code, text, topic, partition) => {
        const where = topic === '' || partition < 0 ? '' : ` (${topic}:${partition})`;
        const error = code === 0 ? undefined : { code, message: `${text}${where}` };
        resolve({ error, ...unpack(bytes, fields, topics) });
      },
    );
  });
}
