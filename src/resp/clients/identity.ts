// Identities: which connection owns a `<group.id>:<name>`: the first that consumes under it, until it closes.
import { fail } from '../../errors.js';
import type { Siblings } from '../siblings/siblings.js';

/** Owners by name, separate for each user: names and acks never cross users. A name has one owner in all processes of the server. */
export class Identities<Owner extends object> {
  readonly #siblings: Siblings;
  readonly #owners = new Map<string, Owner>();
  readonly #keys = new Map<Owner, string>();

  constructor(siblings: Siblings) {
    this.#siblings = siblings;
  }

  /**
   * Makes this the owner of a name. Claiming one's own again has no effect. Returns a promise only if other processes are asked.
   * @throws GatewayError (or rejects with) `id-taken`, `peer-silent`.
   */
  claim(name: string, user: string, owner: Owner): undefined | Promise<void> {
    const key = identityKey(name, user);
    const current = this.#owners.get(key);
    if (current === owner) return undefined;
    if (current) throw fail('id-taken', name);
    this.#owners.set(key, owner);
    this.#keys.set(owner, key);
    return this.#siblings.exist ? this.#claimOfAll(key, name, owner) : undefined;
  }

  /** Releases the name of this connection: at once, before its consumer has finished leaving its group. */
  release(owner: Owner): void {
    const key = this.#keys.get(owner);
    if (key === undefined) return;
    this.#forget(owner, key);
    this.#siblings.release(key);
  }

  owner(key: string): Owner | undefined {
    return this.#owners.get(key);
  }

  async #claimOfAll(key: string, name: string, owner: Owner): Promise<void> {
    if (await this.#siblings.claim(key)) {
      // Released before the claim was settled.
      if (!this.#owners.has(key)) this.#siblings.release(key);
      return;
    }
    // Another process has it: there is nothing to give back.
    if (this.#keys.get(owner) === key) this.#forget(owner, key);
    throw fail('id-taken', name);
  }

  #forget(owner: Owner, key: string): void {
    this.#keys.delete(owner);
    this.#owners.delete(key);
  }
}

/** The key of a claim. A user's name holds no NUL. */
export const identityKey = (name: string, user: string): string => `identity\0${user}\0${name}`;
