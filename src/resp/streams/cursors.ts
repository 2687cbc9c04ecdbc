// Cursors: where a connection's XREADs have come to, so that an id it got means a place in every partition.
import type { Positions } from '../../core/streams/topic-tail.js';
import type { Context } from '../context.js';

interface Cursor {
  readonly id: string;
  readonly positions: Positions;
}

/** Streams remembered for one connection. */
const maxStreams = 64;

export class Cursors {
  readonly #byConnection = new WeakMap<Context, Map<string, Cursor>>();

  /** The positions behind the entries that this connection got last, if that was up to this id. */
  find(ctx: Context, topic: string, id: string): Positions | undefined {
    const cursor = this.#byConnection.get(ctx)?.get(topic);
    return cursor?.id === id ? cursor.positions : undefined;
  }

  /** Another user speaks on the connection. */
  forget(ctx: Context): void {
    this.#byConnection.delete(ctx);
  }

  keep(ctx: Context, topic: string, id: string, positions: Positions): void {
    let cursors = this.#byConnection.get(ctx);
    if (!cursors) {
      cursors = new Map();
      this.#byConnection.set(ctx, cursors);
    }
    cursors.delete(topic);
    if (cursors.size >= maxStreams) cursors.delete(cursors.keys().next().value!);
    cursors.set(topic, { id, positions });
  }
}
