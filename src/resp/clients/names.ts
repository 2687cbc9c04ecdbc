// CLIENT SETNAME's rules: which names are legal, and which connection has a name if names must be unique.

import type { User } from '../../core/access/user.js';
import { fail } from '../../errors.js';
import type { Siblings } from '../siblings/siblings.js';

/** A connection as this file needs it. */
export interface Carrier {
  readonly name: string;
  readonly user: User;
}

/** The names of one server's connections. */
export class Names<C extends Carrier> {
  readonly #strict: boolean;
  readonly #siblings: Siblings;
  /** Kept with strict names only: otherwise several connections may have one name. */
  readonly #carriers = new Map<string, C>();

  /** @param options.strict refuse what Rafka refuses: no colon, a name in use, a second name. */
  constructor(options: { strict: boolean; siblings: Siblings }) {
    this.#strict = options.strict;
    this.#siblings = options.siblings;
  }

  /**
   * Checks a new name for a connection, which then has it. Returns a promise only if other processes are asked.
   * @throws GatewayError (or rejects with) `name-illegal`, `id-already-set`; with strict names also `id-unparsable`, `id-taken`.
   */
  check(connection: C, name: string): undefined | Promise<void> {
    if (!/^[!-~]*$/.test(name)) throw fail('name-illegal');
    if (this.#strict) return this.#enter(connection, name);
    // A name without a colon cannot consume: it may change, as in Redis.
    if (connection.name.includes(':') && connection.name !== name) throw fail('id-already-set', connection.name);
    return undefined;
  }

  /** The connection closes or gives up its name: it is free at once. */
  release(connection: C): void {
    const key = nameKey(connection.user, connection.name);
    if (this.#carriers.get(key) !== connection) return;
    this.#carriers.delete(key);
    this.#siblings.release(key);
  }

  holds(key: string): boolean {
    return this.#carriers.has(key);
  }

  #enter(connection: C, name: string): undefined | Promise<void> {
    if (connection.name !== '') throw fail('id-already-set', connection.name);
    if (!name.includes(':')) throw fail('id-unparsable');
    const key = nameKey(connection.user, name);
    if (this.#carriers.has(key)) throw fail('id-taken', name);
    this.#carriers.set(key, connection);
    return this.#siblings.exist ? this.#claimOfAll(key, name) : undefined;
  }

  async #claimOfAll(key: string, name: string): Promise<void> {
    let isOurs = false;
    try {
      isOurs = await this.#siblings.claim(key);
    } finally {
      if (!isOurs) this.#carriers.delete(key);
    }
    if (!isOurs) throw fail('id-taken', name);
  }
}

/** The key of a strict name's claim. A user's name holds no NUL. */
const nameKey = (user: User, name: string): string => `name\0${user.name}\0${name}`;
