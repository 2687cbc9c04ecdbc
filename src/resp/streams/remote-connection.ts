// RemoteConnection: a connection of another worker, for commands that run here because the group is read here.
import { everybody, type User } from '../../core/access/user.js';
import { type Memory, type MemoryBudget, Reservation } from '../../core/memory/memory-budget.js';
import type { Stats } from '../../core/stats/stats.js';
import { ConnectionCursors } from '../../core/streams/cursors.js';
import type { Log } from '../../log.js';
import type { Context, ServerView, Sessions } from '../command/context.js';
import type { Protocol } from '../wire/encoder.js';
import { StreamsOfConnection } from './connection-streams.js';

/** Another process reads the group by now: the asking process asks again. */
export class GroupElsewhere extends Error {}

/** The parts of a connection that commands on groups use. Rights were checked where it is open. */
export class RemoteConnection {
  readonly id: number;
  readonly server: ServerView;
  readonly log: Log;
  readonly user: User = everybody;
  readonly sessions: Pick<Sessions, 'streams'>;
  readonly #memory: Reservation;
  name = '';
  protocol: Protocol = 2;
  #abort = new AbortController();
  #calls = 0;

  constructor(server: ServerView, budget: MemoryBudget, log: Log, id: number) {
    this.server = server;
    this.log = log;
    this.id = id;
    this.#memory = new Reservation(budget);
    this.sessions = {
      streams: new StreamsOfConnection(this.context, new ConnectionCursors(server.gateway.streams.cursors)),
    };
  }

  /** Commands on groups use no other part of a connection. */
  get context(): Context {
    return this as unknown as Context;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get memory(): Memory {
    return this.#memory;
  }

  get stats(): Stats {
    return this.server.stats;
  }

  begin(name: string, protocol: Protocol): void {
    if (this.#calls++ === 0 && this.signal.aborted) this.#abort = new AbortController();
    this.name = name;
    this.protocol = protocol;
  }

  end(): void {
    if (--this.#calls === 0) this.#memory.release();
  }

  /** Ends its waiting commands. */
  abort(reason: Error): void {
    if (this.#calls > 0) this.#abort.abort(reason);
  }
}

/** Whether a command runs for a connection of another process, or as a part of a command. */
export const isRemote = (ctx: Context): boolean => ctx instanceof RemoteConnection;
