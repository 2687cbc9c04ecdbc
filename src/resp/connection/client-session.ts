// ClientSession: a connection's user and name, and its Kafka sessions.
import type { User } from '../../core/access/user.js';
import { own } from '../../core/promises.js';
import type { Carrier } from '../clients/names.js';
import type { Context, Sessions } from '../command/context.js';
import type { ServerParts } from './server-parts.js';

export class ClientSession implements Carrier {
  name = '';
  user: User;
  readonly #server: ServerParts;
  readonly #ctx: Context;
  readonly #failed: (error: unknown) => void;
  #sessions: Sessions | undefined;
  /** Undelivered messages of the connection's earlier users. */
  #former: Promise<number> | number = 0;
  #closed: Promise<number> | undefined;
  #gone = false;

  constructor(server: ServerParts, ctx: Context, failed: (error: unknown) => void) {
    this.#server = server;
    this.#ctx = ctx;
    this.#failed = failed;
    this.user = server.initialUser;
  }

  get sessions(): Sessions {
    if (this.#sessions) return this.#sessions;
    const sessions = this.#server.gateway.open(this.#ctx);
    this.#sessions = sessions;
    // A command outlived its connection: nothing else would close what it opens.
    if (this.#closed) own(sessions.close(), this.#failed);
    return sessions;
  }

  /** A consumer is open or opening. */
  get isConsuming(): boolean {
    return this.#sessions?.isConsuming ?? false;
  }

  get inFlight(): number {
    return this.#sessions?.inFlight ?? 0;
  }

  get isSubscribed(): boolean {
    return this.#sessions?.isSubscribed ?? false;
  }

  /** It holds what its user has no right to (any more). */
  get isForbidden(): boolean {
    return this.#sessions?.isForbidden ?? false;
  }

  /** Returns a promise only where other processes are asked. @throws as Names.check() */
  setName(name: string): undefined | Promise<void> {
    const asked = this.#server.names.check(this, name);
    if (asked) return asked.then(() => this.#named(name));
    this.#named(name);
    return undefined;
  }

  /**
   * Changes the user: all state of the previous one ends at once. Resolves when its messages are delivered, or its producer's
   * time limit is over, and its consumer has left; undefined if there was nothing to close.
   */
  become(user: User): undefined | Promise<void> {
    this.#server.names.release(this);
    this.name = '';
    this.user = user;
    const former = this.#sessions;
    if (!former) return undefined;
    this.#sessions = undefined;
    const closed = former.close();
    const before = this.#former;
    this.#former = closed.then(async (left) => (await before) + left);
    return closed.then(() => {});
  }

  /** RESET of a connection whose user stays the same. */
  async giveUpName(): Promise<void> {
    this.#server.names.release(this);
    this.name = '';
    if (this.isConsuming) await this.#sessions?.closeConsumer();
  }

  leaveStreams(): void {
    this.#sessions?.leaveStreams();
  }

  /** The client will send no more. */
  leave(): void {
    this.#sessions?.leave();
  }

  /** The connection is gone: its name is free. */
  lost(): void {
    this.#gone = true;
    this.#server.names.release(this);
  }

  /** @returns messages that were not delivered. */
  close(): Promise<number> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<number> {
    const closed = this.#sessions?.close();
    return (await this.#former) + ((await closed) ?? 0);
  }

  #named(name: string): void {
    this.name = name;
    // The connection closed while other processes were asked: release the name.
    if (this.#gone) this.#server.names.release(this);
    const { log, id, address } = this.#ctx;
    // A name that can consume concerns operators; other names of pooled connections do not.
    log[name.includes(':') ? 'info' : 'debug']({ conn: id, address, client: name }, 'connection named');
  }
}
