// TopicTails: the tails of one cluster by topic, opened for the first listener, closed a while after the last.
import { fail } from '../../../errors.js';
import { type TailContext, TopicTail } from './topic-tail.js';

interface Open {
  readonly tail: TopicTail;
  users: number;
  cancelClose: () => void;
}

export class TopicTails {
  readonly #context: TailContext;
  readonly #idleMs: number;
  readonly #max: number;
  readonly #open = new Map<string, Open>();
  readonly #closing = new Set<Promise<void>>();
  #stopping = false;

  constructor(context: TailContext, idleMs: number, max: number) {
    this.#context = context;
    this.#idleMs = idleMs;
    this.#max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A tail that is open already. */
  find(topic: string): TopicTail | undefined {
    return this.#open.get(topic)?.tail;
  }

  /** The tail of a topic, open until it is given back. @throws GatewayError `too-many-consumers`, `shutting-down`. */
  use(topic: string): { readonly tail: TopicTail; readonly giveBack: () => void } {
    if (this.#stopping) throw fail('shutting-down');
    let open = this.#open.get(topic);
    if (!open) {
      if (this.size >= this.#max) throw fail('too-many-consumers', this.size);
      open = { tail: new TopicTail(topic, this.#context), users: 0, cancelClose: () => {} };
      this.#open.set(topic, open);
    }
    const used = open;
    used.users++;
    used.cancelClose();
    let given = false;
    const giveBack = (): void => {
      if (given) return;
      given = true;
      // A tail that was closed meanwhile keeps no caller waiting.
      if (--used.users === 0 && this.#open.get(topic) === used)
        used.cancelClose = this.#context.clock.after(this.#idleMs, () => this.#end(topic, used));
    };
    return { tail: used.tail, giveBack };
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#stopping = true;
    for (const [topic, open] of this.#open) this.#end(topic, open);
    await Promise.all(this.#closing);
  }

  #end(topic: string, open: Open): void {
    open.cancelClose();
    this.#open.delete(topic);
    const closed = open.tail.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }
}
