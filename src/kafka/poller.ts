// When the event loop asks librdkafka for delivery reports and how a consumer waits: all such choices are in this file.
import { setImmediate as turn } from 'node:timers/promises';
import { type Batch, fromNative, unpack } from './batch.js';
import type { NativeConsumer, NativeProducer } from './native.js';

/** Nobody waits for a report: they may come this late. */
const lazyMs = 25;
/** Turns of the event loop that a hurried poll spins for, before it goes on once a millisecond. */
const spins = 200;

/**
 * Polls a producer's delivery reports: every turn of the loop for a while when hurried, every 25 ms otherwise, and not at
 * all once nothing is in flight. A timer alone would put its interval on every report; a loop alone would burn a core.
 */
export class ReportPoller {
  readonly #native: NativeProducer;
  readonly #isIdle: () => Promise<boolean>;
  #timer: NodeJS.Timeout | undefined;
  #hurried = false;
  /** Since the timer last looked. */
  #producedSince = false;
  /** Turns since somebody was last in a hurry. */
  #turns = 0;
  #stopped = false;

  /** @param isIdle whether nothing is in flight any more. */
  constructor(native: NativeProducer, isIdle: () => Promise<boolean>) {
    this.#native = native;
    this.#isIdle = isIdle;
  }

  /** Something was produced. */
  produced(): void {
    this.#producedSince = true;
    if (this.#timer === undefined) this.#lazily();
  }

  /** Somebody waits for a report; `pending` says whether one is still to come. */
  hurry(pending: () => boolean): void {
    this.#turns = 0;
    if (this.#hurried || this.#stopped) return;
    this.#hurried = true;
    const again = (): void => {
      if (this.#stopped || !pending()) {
        this.#hurried = false;
        return;
      }
      this.#native.poll();
      if (++this.#turns < spins) setImmediate(again);
      else setTimeout(again, 1);
    };
    setImmediate(again);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #lazily(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(async () => {
      if (this.#stopped) return;
      this.#producedSince = false;
      this.#native.poll();
      const idle = await this.#isIdle();
      this.#timer = undefined;
      if (!idle || this.#producedSince) this.#lazily();
    }, lazyMs).unref();
  }
}

/**
 * Waits until the reports that librdkafka has already emitted have reached JavaScript: they come in lots of 100, one lot
 * a turn, and the first may need two turns.
 * @param emitted a count of reports so far.
 */
export async function drainReports(emitted: () => number): Promise<void> {
  for (let quiet = 0, seen = emitted(); quiet < 2; ) {
    await turn();
    quiet = emitted() === seen ? quiet + 1 : 0;
    seen = emitted();
  }
}

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
