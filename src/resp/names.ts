// CLIENT SETNAME's rules: which names are legal, and who carries which when they must be unique.
import { fail } from '../errors.js';
import type { User } from './user.js';

/** A connection as far as names go. */
export interface Carrier {
  readonly name: string;
  readonly user: User;
}

/** The names of one server's connections. */
export class Names<C extends Carrier> {
  readonly #strict: boolean;
  /** Kept with strict names only: without, several connections may carry one name. */
  readonly #carriers = new Map<string, C>();

  /** @param options.strict refuse here what Rafka refuses here: no colon, a name in use, a second name. */
  constructor(options: { strict: boolean }) {
    this.#strict = options.strict;
  }

  /**
   * Checks a new name for a connection, which then carries it.
   * @throws GatewayError `name-illegal`, `id-already-set`; with strict names also `id-unparsable`, `id-taken`.
   */
  check(connection: C, name: string): void {
    if (!/^[!-~]*$/.test(name)) throw fail('name-illegal');
    if (this.#strict) this.#enter(connection, name);
    // What has no colon says nothing about consuming: it may change, as in Redis.
    else if (connection.name.includes(':') && connection.name !== name) throw fail('id-already-set', connection.name);
  }

  /** The connection closes or gives up its name: it is free at once. */
  release(connection: C): void {
    const key = keyOf(connection.user, connection.name);
    if (this.#carriers.get(key) === connection) this.#carriers.delete(key);
  }

  #enter(connection: C, name: string): void {
    if (connection.name !== '') throw fail('id-already-set', connection.name);
    if (!name.includes(':')) throw fail('id-unparsable');
    const key = keyOf(connection.user, name);
    if (this.#carriers.has(key)) throw fail('id-taken', name);
    this.#carriers.set(key, connection);
  }
}

/** A user's name holds no NUL. */
const keyOf = (user: User, name: string): string => `${user.name}\0${name}`;
