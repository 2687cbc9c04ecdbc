// How a consumer waits for messages: the choice is in this file. (Producers are woken: reports.ts.)
import { type Batch, fromNative, unpack } from './batch.js';
import type { NativeConsumer } from './native.js';

/** The longest single wait: nothing interrupts it, so closing a consumer may take this long. */
const longestWaitMs = 1000;
/** The same where consume() is used and an end is asked for: it goes on waiting behind that event. */
const longestWaitForEndMs = 50;

/**
 * One wait for a first message on a thread of libuv's pool, then whatever is ready without waiting: polling without a wait
 * costs 15 % of a core for 17 idle consumers.
 */
export async function takeBatch(
  native: NativeConsumer,
  waitMs: number,
  max: number,
  wantsEnds: boolean,
): Promise<Batch> {
  if (native.consumeBatch) return packed(native, Math.min(waitMs, longestWaitMs), max);
  // consume() waits anew for each message, so that one is waited for, and the rest taken without a wait.
  const first = await single(native, Math.min(waitMs, wantsEnds ? longestWaitForEndMs : longestWaitMs), 1);
  if (first.error || first.messages.length === 0 || max === 1) return first;
  const ready = await single(native, 0, max - 1);
  for (const message of ready.messages) first.messages.push(message);
  return { error: ready.error, messages: first.messages, ends: [...first.ends, ...ready.ends] };
}

function packed(native: NativeConsumer, waitMs: number, max: number): Promise<Batch> {
  return new Promise((resolve) => {
    native.consumeBatch?.(waitMs, max, (_, bytes, fields, topics, code) => {
      resolve({ error: code === 0 ? undefined : code, ...unpack(bytes, fields, topics) });
    });
  });
}

function single(native: NativeConsumer, waitMs: number, max: number): Promise<Batch> {
  return new Promise((resolve) => {
    native.consume(waitMs, max, (error, messages = [], ends = []) => {
      resolve({ error: error ?? undefined, ...fromNative(messages, ends) });
    });
  });
}
