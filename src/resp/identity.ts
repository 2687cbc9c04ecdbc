// Identities: which connection owns a `<group.id>:<name>`: the first that consumes under it, until it closes.
import { fail } from '../errors.js';

/** Owners by name, apart for each user: names and acks never cross users. */
export class Identities<Owner extends object> {
  readonly #owners = new Map<string, Owner>();
  readonly #names = new Map<Owner, string>();

  /** Makes this the owner of a name. Claiming one's own again is nothing. @throws GatewayError `id-taken`. */
  claim(name: string, user: string, owner: Owner): void {
    const key = keyOf(name, user);
    const current = this.#owners.get(key);
    if (current === owner) return;
    if (current) throw fail('id-taken', name);
    this.#owners.set(key, owner);
    this.#names.set(owner, key);
  }

  /** Frees whatever this one owns: at once, before its consumer has finished leaving its group. */
  release(owner: Owner): void {
    const key = this.#names.get(owner);
    if (key === undefined) return;
    this.#names.delete(owner);
    this.#owners.delete(key);
  }

  owner(name: string, user: string): Owner | undefined {
    return this.#owners.get(keyOf(name, user));
  }
}

/** A user's name holds no NUL. */
const keyOf = (name: string, user: string): string => `${user}\0${name}`;
