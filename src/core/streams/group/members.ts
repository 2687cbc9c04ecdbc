// The members of a stream's group in this gateway: a name, and the sockets that use it.

export interface Member {
  readonly name: string;
  /** Open connections that have asked in its name. */
  readonly sockets: Set<object>;
  /** Milliseconds since the epoch: its last request of any kind. */
  seenAt: number;
  /** When it last got or claimed an entry; -1: never. */
  activeAt: number;
  /** Since when it has had no socket. */
  orphanedAt: number;
}

export class Members {
  readonly #byName = new Map<string, Member>();

  get size(): number {
    return this.#byName.size;
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#byName.values();
  }

  get(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  /** A member's request: creates the member if it is new. @param socket the member's connection, if that matters. */
  seen(name: string, now: number, socket?: object): Member {
    let member = this.#byName.get(name);
    if (!member) {
      member = { name, sockets: new Set(), seenAt: now, activeAt: -1, orphanedAt: now };
      this.#byName.set(name, member);
    }
    member.seenAt = now;
    if (socket) member.sockets.add(socket);
    return member;
  }

  delete(name: string): boolean {
    return this.#byName.delete(name);
  }

  /** A connection has closed. */
  gone(socket: object, now: number): void {
    for (const member of this.#byName.values()) {
      if (member.sockets.delete(socket) && member.sockets.size === 0) member.orphanedAt = now;
    }
  }

  /**
   * The member of a record key: among those with a socket, the one with the highest hash of both (rendezvous
   * hashing), so that joins and leaves move only their own keys. Records without a key go to any member.
   */
  ownerOf(key: Buffer | null): string | undefined {
    if (key === null) return undefined;
    let best: string | undefined;
    let highest = -1;
    for (const { name, sockets } of this.#byName.values()) {
      if (sockets.size === 0) continue;
      const score = hash(name, key);
      if (score <= highest) continue;
      highest = score;
      best = name;
    }
    return best;
  }
}

/** FNV-1a over both, with a last mix so that the high bits count. */
function hash(name: string, key: Buffer): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) value = Math.imul(value ^ name.charCodeAt(index), 0x01000193);
  for (const byte of key) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 12)) >>> 0;
}
