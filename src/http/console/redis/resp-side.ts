// What the console uses of the listener of Redis clients.
import type { Duplex } from 'node:stream';
import type { User } from '../../../core/access/user.js';

/** A connection. Times in ms; null: unknown. */
export interface ClientRow {
  readonly id: number;
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly library: string;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly command: string;
  readonly is: 'waiting' | 'monitor' | 'subscribed' | 'idle';
  readonly inFlight: number | null;
  /** Undefined: unknown. null: none. */
  readonly lastError?: { readonly text: string; readonly at: number } | null;
}

/** A command, as the prompt helps with it. */
export interface CommandHint {
  readonly name: string;
  readonly summary: string;
  readonly args: string;
}

export interface RespSide {
  /** Of all processes behind the port. */
  clients(): Promise<readonly ClientRow[]>;
  /** @returns whether there was one */
  kill(id: number): Promise<boolean>;
  /** Opens a connection of a user who is logged in here; absent: other processes serve the port (--workers). */
  readonly open?: ((user: User) => Duplex) | undefined;
  hints(): readonly CommandHint[];
}
