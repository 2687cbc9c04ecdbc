// GroupLeases: which groups this process reads. With --workers one of them reads a group, for the clients of all.

/** Names of which one process has each. */
export interface NameLeases {
  /** @returns false when another process has it. @throws GatewayError `peer-silent` */
  claim(key: string): Promise<boolean>;
  release(key: string): void;
}

/** A consumer group of a stream, as Kafka knows both. */
export interface GroupPlace {
  readonly kafkaGroup: string;
  readonly topic: string;
}

interface Claim {
  /** Commands that need it. */
  users: number;
  readonly granted: Promise<boolean>;
}

/** What is claimed for a group. */
export const claimKey = ({ kafkaGroup, topic }: GroupPlace): string => `stream\n${kafkaGroup}\n${topic}`;

/** Groups of other processes that are remembered. */
const maxElsewhere = 10_000;

export class GroupLeases {
  readonly #names: NameLeases;
  readonly #isOpen: (place: GroupPlace) => boolean;
  readonly #leases = new Map<string, Claim>();
  /** Groups that another process has, as last heard: it is asked first. */
  readonly #elsewhere = new Set<string>();

  /** @param isOpen whether a group is read here now */
  constructor(names: NameLeases, isOpen: (place: GroupPlace) => boolean) {
    this.#names = names;
    this.#isOpen = isOpen;
  }

  /**
   * NameLeaseTable a group for a command; done() ends that. The claim is kept as long as the group is read here.
   * @returns false when another process has it. @throws GatewayError `peer-silent`
   */
  async claim(place: GroupPlace): Promise<boolean> {
    const key = claimKey(place);
    if (this.#elsewhere.has(key)) return false;
    let claim = this.#leases.get(key);
    if (!claim) {
      claim = { users: 0, granted: this.#names.claim(key) };
      this.#leases.set(key, claim);
    }
    claim.users++;
    let granted = false;
    try {
      granted = await claim.granted;
    } finally {
      if (!granted && --claim.users === 0) this.#leases.delete(key);
    }
    if (!granted) this.#isElsewhere(key);
    return granted;
  }

  /** The process that had a group has it no more: the next claim is decided anew. */
  moved(place: GroupPlace): void {
    this.#elsewhere.delete(claimKey(place));
  }

  /** Claims several groups; all or none of them count as begun. @throws GatewayError `peer-silent` */
  async claimAll(places: readonly GroupPlace[]): Promise<boolean[]> {
    const granted: boolean[] = [];
    try {
      for (const place of places) granted.push(await this.claim(place));
    } catch (error) {
      this.doneAll(places.filter((_, index) => granted[index]));
      throw error;
    }
    return granted;
  }

  /** A command that had claimed a group has ended. */
  done(place: GroupPlace): void {
    const claim = this.#leases.get(claimKey(place));
    if (!claim) return;
    claim.users--;
    this.settle(place);
  }

  doneAll(places: readonly GroupPlace[]): void {
    for (const place of places) this.done(place);
  }

  /** Frees the claim when no command needs it. Also called when the group has been left. */
  settle(place: GroupPlace): void {
    const key = claimKey(place);
    const claim = this.#leases.get(key);
    if (!claim || claim.users > 0 || this.#isOpen(place)) return;
    this.#leases.delete(key);
    this.#names.release(key);
  }

  #isElsewhere(key: string): void {
    if (this.#elsewhere.size >= maxElsewhere) this.#elsewhere.clear();
    this.#elsewhere.add(key);
  }

  /** Whether this process has a claim, or is about to. */
  holds(key: string): boolean {
    return this.#leases.has(key);
  }
}
