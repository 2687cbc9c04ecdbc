// What the console shows of one connection: more than a line of CLIENT LIST.
import type { Client } from './client.js';

/** Times in ms. */
export interface ClientFacts {
  readonly id: number;
  readonly name: string;
  readonly user: string;
  readonly address: string;
  /** Of CLIENT SETINFO; empty: it did not say. */
  readonly library: string;
  readonly ageMs: number;
  /** Since bytes arrived last; of a waiting command, how long it waits. */
  readonly idleMs: number;
  readonly command: string;
  readonly is: 'waiting' | 'monitor' | 'subscribed' | 'idle';
  /** Messages that Kafka has not answered yet; null: unknown. */
  readonly inFlight: number | null;
  readonly lastError: { readonly text: string; readonly at: number } | null;
}

export function clientFacts({ id, name, user, address, status, session }: Client, now: number): ClientFacts {
  return {
    id,
    name,
    user: user.name,
    address,
    library: [status.libraryName, status.libraryVersion].filter(Boolean).join(' '),
    ageMs: Math.max(0, now - status.createdAt),
    idleMs: Math.max(0, now - status.activeAt),
    command: status.lastCommand,
    is: status.isMonitor ? 'monitor' : session.isSubscribed ? 'subscribed' : status.isWaiting ? 'waiting' : 'idle',
    inFlight: session.inFlight,
    lastError: status.lastError ?? null,
  };
}
