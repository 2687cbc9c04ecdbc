// RemoteConnections: connections of other workers, for which commands on groups run here.
import type { MemoryBudget } from '../../core/memory/memory-budget.js';
import type { GroupPlace } from '../../core/streams/group-leases.js';
import { fail } from '../../errors.js';
import type { Log } from '../../log.js';
import { Args } from '../command/args.js';
import { errorReply } from '../command/command.js';
import type { Context, Remotes, ServerView } from '../command/context.js';
import type { GroupCall, PopCall } from '../siblings/siblings.js';
import { encodeAlone, type Protocol } from '../wire/encoder.js';
import { popHere } from './lists.js';
import { GroupElsewhere, RemoteConnection } from './remote-connection.js';

export class RemoteConnections implements Remotes {
  readonly #server: ServerView;
  readonly #budget: MemoryBudget;
  readonly #log: Log;
  readonly #byId = new Map<number, RemoteConnection>();
  #stopping: Error | undefined;

  constructor(server: ServerView, budget: MemoryBudget, log: Log) {
    this.#server = server;
    this.#budget = budget;
    this.#log = log;
  }

  /** Runs a command. @returns its reply in base64; null if the group is not read here. */
  async run({ conn, name, protocol, argv }: GroupCall): Promise<string | null> {
    const words = argv.map((word) => Buffer.from(word, 'latin1'));
    const found = this.#server.commands.resolve(words);
    return this.#call(conn, name, protocol, async (ctx) => {
      try {
        const reply = await found.command.run!(ctx, new Args(words, found.first));
        return encodeAlone(reply, protocol).toString('base64');
      } catch (error) {
        if (error instanceof GroupElsewhere) return null;
        return encodeAlone(errorReply(ctx, found.command, error), protocol).toString('base64');
      }
    });
  }

  /** Pops elements of a list. @returns in base64, none if nothing arrived; null if the list is not read here. */
  pop({ conn, name, key, max, waitMs }: PopCall): Promise<string[] | null> {
    return this.#call(conn, name, 2, async (ctx) => {
      try {
        const popped = await popHere(ctx, [Buffer.from(key, 'latin1')], max, waitMs ?? undefined);
        return (popped?.values ?? []).map((value) => value.toString('base64'));
      } catch (error) {
        if (error instanceof GroupElsewhere) return null;
        throw error;
      }
    });
  }

  /** Its client no longer waits. */
  cancel(conn: number): void {
    this.#byId.get(conn)?.abort(fail('client-gone'));
  }

  /** What it popped is done. */
  acknowledge(conn: number): void {
    this.#byId.get(conn)?.sessions.streams.acknowledge();
  }

  /** What it last popped of a list does not reach its client. */
  giveBack(conn: number, place: GroupPlace): void {
    this.#byId.get(conn)?.sessions.streams.giveBack(place);
  }

  /** Connections whose numbers are from `from` up to, not including, `to` are closed. */
  gone(from: number, to: number): void {
    for (const [id, connection] of this.#byId) {
      if (id < from || id >= to) continue;
      this.#byId.delete(id);
      connection.abort(fail('client-gone'));
      connection.sessions.streams.close();
    }
  }

  /** No client waits any longer. */
  drain(): void {
    this.#stopping = fail('shutting-down');
    for (const connection of this.#byId.values()) connection.abort(this.#stopping);
  }

  async #call<T>(id: number, name: string, protocol: Protocol, run: (ctx: Context) => Promise<T>): Promise<T> {
    if (this.#stopping) throw this.#stopping;
    let connection = this.#byId.get(id);
    if (!connection) {
      connection = new RemoteConnection(this.#server, this.#budget, this.#log, id);
      this.#byId.set(id, connection);
    }
    connection.begin(name, protocol);
    try {
      return await run(connection.context);
    } finally {
      connection.end();
    }
  }
}
