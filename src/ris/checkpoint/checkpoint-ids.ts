// How ids of RIS messages stand in the checkpoint topic: short, and in parts that are small enough for a record.
import type { Delta, PublishedId } from './dedup-index.js';

/** Ids by peer, shortened. */
export type StoredIds = Readonly<Record<string, readonly PublishedId[]>>;

/** Of at most 70 bytes each. */
const chunkIds = 4_000;

/** Parts of at most this many ids (or one peer's). */
export function idChunks(ids: Delta['ids']): StoredIds[] {
  const chunks: Map<string, readonly PublishedId[]>[] = [];
  let room = 0;
  for (const [peer, all] of ids) {
    for (let from = 0; from < all.length; from += chunkIds) {
      const part = all.slice(from, from + chunkIds);
      if (part.length > room || chunks.length === 0) {
        chunks.push(new Map());
        room = chunkIds;
      }
      chunks.at(-1)!.set(peer, part);
      room -= part.length;
    }
  }
  return chunks.map((chunk) =>
    Object.fromEntries(
      [...chunk].map(([peer, list]) => [peer, list.map(([time, id]) => [time, shortened(peer, id)] as const)]),
    ),
  );
}

/** Adds a part to all ids, in full again. */
export function addIds(all: Map<string, PublishedId[]>, part: StoredIds): void {
  for (const [peer, list] of Object.entries(part)) {
    const known = all.get(peer) ?? [];
    for (const [time, id] of list) known.push([time, inFull(peer, id)]);
    all.set(peer, known);
  }
}

/** Most ids begin with the peer's address: `~` replaces it, `=` an absent id. */
export function shortened(peer: string, id: string): string {
  const address = addressIn(peer);
  return id.startsWith(address) ? `~${id.slice(address.length)}` : `=${id}`;
}

export const inFull = (peer: string, id: string): string =>
  id.startsWith('~') ? addressIn(peer) + id.slice(1) : id.slice(1);

/** A peer is `collector address`. */
const addressIn = (peer: string): string => peer.slice(peer.indexOf(' ') + 1);
