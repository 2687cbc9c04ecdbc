// Link: questions and answers between two processes. Every question has a deadline, and ends when the other side disconnects.
import { within } from '../core/clock.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import { fail } from '../errors.js';
import { type Failure, failureOf, thrown } from './failure.js';

/** Handlers of the other side's questions, by name. */
export type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A question (n), a notification without an answer (no n), or an answer (to). */
type Message =
  | { readonly n?: number; readonly ask: string; readonly args: readonly unknown[] }
  | { readonly to: number; readonly value?: unknown; readonly failure?: Failure };

export interface LinkOptions {
  /** Sends a message for the other side's receive(), as plain data; calls back when it has left. */
  readonly send: (messages: readonly object[], left: () => void) => void;
  /** Called with an unexpected error of a handler. */
  readonly onBug: (error: unknown, question: string) => void;
  readonly clock: Clock;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Default time limit of an answer, ms. */
export const answerMs = 3_000;

export class Link {
  readonly #options: LinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  #answers: Answers = {};
  #outbox: Message[] = [];
  #outboxBytes = 0;
  #unsentBytes = 0;
  #asked = 0;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Approximate bytes of sized notifications that have not left yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** What the other side may ask. */
  serve(answers: Answers): void {
    this.#answers = answers;
  }

  /** @throws GatewayError `peer-silent` if no answer comes within timeoutMs; what the handler threw there. */
  async ask(question: string, args: readonly unknown[], timeoutMs = answerMs): Promise<unknown> {
    if (this.#closed) throw fail('peer-silent');
    const n = ++this.#asked;
    const answer = new Promise<{ value: unknown }>((resolve, reject) => {
      this.#waiting.set(n, { resolve: (value) => resolve({ value }), reject });
    });
    this.#post({ n, ask: question, args });
    try {
      const got = await within(this.#options.clock, timeoutMs, answer);
      if (got === undefined) throw fail('peer-silent');
      return got.value;
    } finally {
      this.#waiting.delete(n);
    }
  }

  /** Sends without waiting for an answer. @param bytes its size, if {@link unsentBytes} should count it. */
  notify(question: string, args: readonly unknown[], bytes = 0): void {
    if (this.#closed) return;
    this.#unsentBytes += bytes;
    this.#outboxBytes += bytes;
    this.#post({ ask: question, args });
  }

  /** A message from the other side. */
  receive(messages: readonly object[]): void {
    for (const message of messages as readonly Message[]) {
      if ('ask' in message) own(this.#answer(message), (error) => this.#options.onBug(error, message.ask));
      else if (message.failure) this.#waiting.get(message.to)?.reject(thrown(message.failure));
      else this.#waiting.get(message.to)?.resolve(message.value);
    }
  }

  /** The other side has disconnected: pending questions end. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(fail('peer-silent'));
    this.#waiting.clear();
  }

  async #answer({ n, ask, args }: Extract<Message, { ask: string }>): Promise<void> {
    try {
      const answer = this.#answers[ask] as ((...args: readonly unknown[]) => unknown) | undefined;
      if (!answer) throw fail('peer-silent');
      const value = await answer(...args);
      if (n !== undefined) this.#post({ to: n, value });
    } catch (error) {
      const failure = failureOf(error);
      if (!failure) this.#options.onBug(error, ask);
      if (n !== undefined) this.#post({ to: n, failure: failure ?? { bug: ask } });
    }
  }

  /** Messages of one turn are sent as one. */
  #post(message: Message): void {
    if (this.#closed) return;
    this.#outbox.push(message);
    if (this.#outbox.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#outbox;
    const bytes = this.#outboxBytes;
    this.#outbox = [];
    this.#outboxBytes = 0;
    if (this.#closed) return;
    this.#options.send(messages, () => {
      this.#unsentBytes -= bytes;
    });
  }
}
