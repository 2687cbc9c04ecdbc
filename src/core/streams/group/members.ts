// The members of a stream's group in this gateway: a name, and the sockets that speak for it.

export interface Member {
  readonly name: string;
  /** Connections that have asked in its name and are open. */
  readonly sockets: Set<object>;
  /** Milliseconds since the epoch: when it last asked for anything. */
  seenAt: number;
  /** When it last got or claimed something; -1: never. */
  activeAt: number;
  /** Since when it has no socket. */
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

  /** A member asks: it is made when it is new. @param socket the connection that speaks for it, if that matters. */
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
   * The member that a record key belongs to: of those with a socket the one with the highest hash of both (rendezvous
   * hashing), so that a member that comes or goes moves only its own keys. Records without a key are anybody's.
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
