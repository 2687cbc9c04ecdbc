// SkipLog: a line for a skipped message, and at most one a second: a topic may have many of them.
import type { Clock, Message } from '../../core/ports.js';
import type { Log } from '../../log.js';
import type { Refusal } from './refusal.js';

const everyMs = 1_000;

export class SkipLog {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #next = 0;
  #unsaid = 0;

  /** @param topic the mapping's name */
  constructor(topic: string, clock: Clock, log: Log) {
    this.#topic = topic;
    this.#clock = clock;
    this.#log = log;
  }

  skipped({ topic, partition, offset }: Message, { reason }: Refusal): void {
    const now = this.#clock.monotonic();
    if (now < this.#next) {
      this.#unsaid += 1;
      return;
    }
    this.#next = now + everyMs;
    const others = this.#unsaid > 0 ? { others: this.#unsaid } : {};
    this.#unsaid = 0;
    this.#log.warn(
      { topic: this.#topic, at: `${topic}[${partition}]@${offset}`, why: reason, ...others },
      'message skipped',
    );
  }
}
