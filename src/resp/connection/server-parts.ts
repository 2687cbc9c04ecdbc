// What all connections of one server share.
import type { User } from '../../core/access/user.js';
import type { MemoryBudget } from '../../core/memory/memory-budget.js';
import type { Log } from '../../log.js';
import type { Carrier, Names } from '../clients/names.js';
import type { ServerView } from '../command/context.js';
import type { Monitors } from '../monitor/monitor.js';
import type { Encoder } from '../wire/encoder.js';
import type { FrameLimits } from '../wire/frame-guard.js';
import type { WriteCoalescer } from './write-coalescer.js';

export interface ServerParts extends ServerView {
  readonly log: Log;
  readonly limits: FrameLimits;
  /** The common memory budget of all clients. */
  readonly budget: MemoryBudget;
  /** Shared by all connections: it is empty at the start of every connection's turn. */
  readonly encoder: Encoder;
  readonly writeCoalescer: WriteCoalescer;
  readonly monitors: Monitors;
  readonly names: Names<Carrier>;
  /** A connection's user before AUTH. */
  readonly initialUser: User;
  /** Milliseconds since the epoch, within about a second. */
  readonly coarseNow: number;
}
