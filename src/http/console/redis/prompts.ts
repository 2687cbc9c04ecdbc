// Prompts: the connections behind the console's prompts, one for each open page.
import { randomBytes } from 'node:crypto';
import type { User } from '../../../core/access/user.js';
import type { Clock } from '../../../core/ports.js';
import { RedisLink } from './link.js';
import type { RespSide } from './resp-side.js';

/** Open prompts; the one that is idle longest is closed for one more. */
const most = 20;
/** An idle prompt is closed after, ms. */
const idleMs = 600_000;

interface Prompt {
  readonly link: RedisLink;
  readonly user: User;
  cancel: () => void;
}

export class Prompts {
  readonly #open: NonNullable<RespSide['open']>;
  readonly #clock: Clock;
  /** The least recently used first. */
  readonly #prompts = new Map<string, Prompt>();

  constructor(open: NonNullable<RespSide['open']>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** The user's prompt of this id, or a new one. */
  of(user: User, id: string): { readonly id: string; readonly link: RedisLink } {
    const known = this.#prompts.get(id);
    if (known && known.user === user && !known.link.isClosed) {
      this.#keep(id, known);
      return { id, link: known.link };
    }
    const [oldest] = this.#prompts.keys();
    if (this.#prompts.size >= most && oldest !== undefined) this.end(oldest);
    const made = { link: new RedisLink(this.#open(user)), user, cancel: () => {} };
    const fresh = randomBytes(16).toString('base64url');
    this.#keep(fresh, made);
    return { id: fresh, link: made.link };
  }

  end(id: string): void {
    const found = this.#prompts.get(id);
    this.#prompts.delete(id);
    found?.cancel();
    found?.link.close();
  }

  close(): void {
    for (const id of [...this.#prompts.keys()]) this.end(id);
  }

  #keep(id: string, prompt: Prompt): void {
    prompt.cancel();
    prompt.cancel = this.#clock.after(idleMs, () => this.end(id));
    this.#prompts.delete(id);
    this.#prompts.set(id, prompt);
  }
}
