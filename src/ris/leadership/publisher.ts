// One term's path from the backlog to batches of records: skips published messages, marks holes, keeps the progress.
import type { Header, ProducerRecord } from '../../core/ports.js';
import { CountsReader } from '../bmp/counts.js';
import { RisEncoder } from '../bmp/encoder.js';
import type { Peer, PeerSnapshot } from '../bmp/peers.js';
import type { BmpRecord, EncoderOptions } from '../bmp/record.js';
import type { Step } from '../checkpoint/checkpoint.js';
import { Published, type PublishedOptions } from '../checkpoint/dedup-index.js';
import type { Progress } from '../checkpoint/progress-reading.js';
import type { Backlog } from '../feed/backlog.js';
import type { LineEnvelope } from '../feed/envelope.js';
import { type MalformedReason, parseLine } from '../feed/message.js';

export interface PublisherOptions {
  readonly collector: string;
  readonly encoder: Partial<EncoderOptions>;
  readonly published: PublishedOptions;
  /** Whether records carry headers (RIS id, host, part, synthetic). */
  readonly headers: boolean;
  /** Whether a record's time is the RIS message's; else the Kafka client sets the time of producing. */
  readonly risTime: boolean;
  /** Called for each line that is not a message. */
  readonly onMalformed: (reason: MalformedReason) => void;
  /** Called for each message that was published although this in its JSON is unusable. */
  readonly onOdd: (reasons: readonly MalformedReason[], line: string) => void;
  /** Topics in which something is missing and that go on now. */
  readonly takeMarks: () => ReadonlySet<string>;
  /** Milliseconds since the epoch, for synthesized records. */
  readonly now: () => number;
}

/** What one transaction publishes. */
export interface Batch {
  readonly records: ProducerRecord[];
  readonly step: Step;
  /** Topics that had lost records and whose marks are among these. */
  readonly marked: ReadonlySet<string>;
  /** The backlog's position up to which this batch goes. */
  readonly place: number;
  /** RIS messages published. */
  readonly messages: number;
  /** RIS messages that a predecessor had published, or whose place has passed. */
  readonly skipped: number;
  /** Holes marked. */
  readonly holes: number;
}

/** Reads the backlog from its first unreleased entry; created anew for each term. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #backlog: Backlog;
  readonly #encoder: RisEncoder;
  readonly #counts: CountsReader;
  readonly #published: Published;
  readonly #keys = new Map<string, Buffer>();
  readonly #headers: { readonly host: Header; readonly synthetic: Header };
  #mark: number | null;
  #turn: number;
  #written: number | null;
  #atBeginning = true;
  #states = new Map<string, PeerSnapshot>();
  #records: ProducerRecord[] = [];
  #marked: ReadonlySet<string> = new Set();
  #pending = { messages: 0, skipped: 0, holes: 0 };

  constructor(options: PublisherOptions, backlog: Backlog, progress: Progress) {
    this.#options = options;
    this.#backlog = backlog;
    this.#encoder = new RisEncoder(options.encoder);
    this.#counts = new CountsReader(this.#encoder.counts);
    this.#encoder.peers.restore(Object.fromEntries(progress.states) as Record<string, PeerSnapshot>);
    this.#published = new Published(options.published, progress.published);
    this.#mark = progress.mark;
    this.#written = progress.mark;
    this.#turn = progress.turn;
    this.#headers = {
      host: { key: 'host', value: Buffer.from(options.collector) },
      synthetic: { key: 'synthetic', value: Buffer.from('1') },
    };
    backlog.rewind();
  }

  /** Feed time (us) up to which everything received has been taken; null before the first message ever. */
  get mark(): number | null {
    return this.#mark;
  }

  /** The encoder's counts since the last call. */
  takeCounts(): ReturnType<CountsReader['take']> {
    return this.#counts.take();
  }

  /** Peers whose session is up. */
  get peersUp(): number {
    return this.#encoder.peers.up;
  }

  get peers(): Iterable<Peer> {
    return this.#encoder.peers;
  }

  /** RIS messages read and not yet taken. */
  get pending(): number {
    return this.#pending.messages;
  }

  /**
   * Reads on in the backlog, at most `max` entries, and stops before a new beginning of the feed after a hole: what follows
   * is a batch of its own, and only read if `crossHole` says so.
   * @param floor feed time (us) up to which nothing will follow once the backlog is read to its end.
   * @returns whether the backlog is read as far as possible before take().
   */
  read(max: number, floor: number | null, crossHole: (since: number) => boolean): boolean {
    const backlog = this.#backlog;
    if (this.#atBeginning) this.#begin();
    this.#giveUp();
    this.#markTopics();
    if (this.#holeAhead(crossHole)) return true;
    for (let count = 0; count < max; count++) {
      const ahead = backlog.peek();
      if (!ahead) break;
      if (ahead.start || ahead.doubt) {
        // The batch so far goes first: whether we cross the hole depends on what is committed by then.
        if (this.#misses(ahead.time) && (this.#pending.messages > 0 || !crossHole(ahead.time))) return true;
        if (ahead.start) this.#cross(ahead.time);
      }
      backlog.next();
      if (ahead.message) this.#take(ahead.message);
      if (ahead.floor !== undefined) this.#raise(ahead.floor);
    }
    if (backlog.isRead && floor !== null) this.#raise(floor);
    return backlog.isRead;
  }

  /** Ends the stream for good: Termination, which ends every session; the next worker brings them up again. */
  end(): void {
    const { collector, now } = this.#options;
    this.#encoder.interrupt(collector, now());
    for (const peer of this.#encoder.peers) this.#noteState(peer.address, peer.asn);
    this.#add(this.#encoder.endTerm(collector, now()));
  }

  #begin(): void {
    this.#atBeginning = false;
    // Marks of what the predecessor left out come before everything else of their topics.
    const begin = this.#encoder.beginTerm(this.#options.collector, this.#options.now());
    this.#markTopics();
    this.#add(begin);
  }

  /** A gap from before this replica's first entry. @returns true if it must not be crossed. */
  #holeAhead(crossHole: (since: number) => boolean): boolean {
    const { since } = this.#backlog;
    if (since === null || !this.#misses(since)) return false;
    if (!crossHole(since)) return true;
    this.#cross(since);
    return false;
  }

  #misses(since: number): boolean {
    return this.#mark !== null && this.#mark < since;
  }

  /** Continues after a hole: all sessions are marked as interrupted. */
  #cross(since: number): void {
    if (this.#misses(since)) {
      this.#pending.holes++;
      this.#interrupt();
    }
    this.#raise(since);
  }

  /** Marks the peers for which the backlog dropped an unpublished message. */
  #giveUp(): void {
    const lost = this.#backlog.takeLost().filter(({ message }) => !this.#published.has(message));
    if (lost.length === 0) return;
    for (const { message } of lost) this.#published.add(message);
    // A peer that is down already has its mark: its hole grows.
    this.#pending.holes += this.#interrupt(
      new Set(lost.map(({ message }) => message.peerKey.slice(message.peerKey.indexOf(' ') + 1))),
    );
  }

  /** Marks the peers whose topic did not take all that was meant for it. */
  #markTopics(): void {
    // A topic that is tried again must not get records of a batch that began while it was held, in front of its marks.
    if (this.#records.length > 0) return;
    const { collector, now, takeMarks } = this.#options;
    const topics = takeMarks();
    if (topics.size === 0) return;
    const { records, peers } = this.#encoder.interruptTopics(collector, now(), topics);
    this.#add(records);
    this.#marked = topics;
    for (const peer of peers) this.#noteState(peer.address, peer.asn);
  }

  /** @returns the sessions that were up: each has a Peer Down */
  #interrupt(peers?: ReadonlySet<string>): number {
    const { collector, now } = this.#options;
    const before = this.#encoder.counts.peerDown;
    this.#add(this.#encoder.interrupt(collector, now(), peers));
    for (const peer of this.#encoder.peers) {
      if (peers?.has(peer.address) ?? true) this.#noteState(peer.address, peer.asn);
    }
    return this.#encoder.counts.peerDown - before;
  }

  #take(held: LineEnvelope): void {
    // One that is ahead of time has no place of its own: replicas and sockets may differ in the place they give it.
    if (this.#published.has(held) || (held.kind === 'ahead' && this.#published.knows(held))) {
      this.#pending.skipped++;
      return;
    }
    const read = parseLine(held.line, held);
    if (read.kind !== 'message') {
      this.#options.onMalformed(read.kind === 'malformed' ? read.reason : 'envelope');
      return;
    }
    const { message } = read;
    const records = this.#encoder.encode(message);
    if (this.#encoder.odd.length > 0) this.#options.onOdd(this.#encoder.odd, held.line);
    if (message.type === 'KEEPALIVE' && records.length === 0) return;
    this.#add(records);
    this.#published.add(held);
    this.#pending.messages++;
    // An UPDATE changes a peer's state only if it brings its session up, which makes a record of its own.
    if (message.type !== 'UPDATE' || records.length > 1) this.#noteState(message.peer, message.peerAsn);
  }

  #noteState(address: string, asn: number): void {
    const { collector } = this.#options;
    const message = { collector, peer: address, peerKey: `${collector} ${address}`, peerAsn: asn };
    const peer = this.#encoder.peers.get(message);
    this.#states.set(peer.key, peer.snapshot());
  }

  #raise(mark: number): void {
    if (this.#mark === null || mark > this.#mark) this.#mark = mark;
  }

  /**
   * What was read since the last call, to be written in one transaction; undefined if there is nothing.
   * @param markAlone whether progress without a message counts as something.
   * @param wantsSnapshot whether the progress is written whole.
   */
  take(markAlone: boolean, wantsSnapshot = false): Batch | undefined {
    const isEmpty = this.#records.length === 0 && this.#states.size === 0 && this.#pending.messages === 0;
    if (isEmpty && !(markAlone && this.#mark !== this.#written)) return undefined;
    const records = this.#records;
    const states = wantsSnapshot ? this.#allStates() : this.#states;
    const counts = this.#pending;
    const marked = this.#marked;
    const delta = this.#published.takeDelta();
    const published = wantsSnapshot ? this.#published.all() : delta;
    const place = this.#backlog.cursor;
    this.#records = [];
    this.#marked = new Set();
    this.#states = new Map();
    this.#pending = { messages: 0, skipped: 0, holes: 0 };
    this.#written = this.#mark;
    this.#turn++;
    const step = { mark: this.#mark, turn: this.#turn, published, states, isSnapshot: wantsSnapshot };
    return { records, step, marked, place, ...counts };
  }

  #allStates(): Map<string, PeerSnapshot> {
    return new Map([...this.#encoder.peers].map((peer) => [peer.key, peer.snapshot()]));
  }

  #add(records: readonly BmpRecord[]): void {
    for (const record of records) this.#records.push(this.#kafkaRecord(record));
  }

  #kafkaRecord(bmp: BmpRecord): ProducerRecord {
    const { topic, value } = bmp;
    const key = bmp.key === null ? null : this.#keyOf(bmp.key);
    const timestamp = this.#options.risTime ? bmp.timestampMs : Math.floor(this.#options.now());
    return this.#options.headers
      ? { topic, key, value, timestamp, headers: this.#headersOf(bmp) }
      : { topic, key, value, timestamp };
  }

  #headersOf({ risId, part, synthetic }: BmpRecord): Header[] {
    const headers = [this.#headers.host];
    if (risId !== null) headers.push({ key: 'ris-id', value: Buffer.from(risId) });
    if (part !== null) headers.push({ key: 'part', value: Buffer.from(part) });
    if (synthetic) headers.push(this.#headers.synthetic);
    return headers;
  }

  /** Keys repeat (except ids, which are not cached). */
  #keyOf(text: string): Buffer {
    const known = this.#keys.get(text);
    if (known) return known;
    const key = Buffer.from(text);
    if (this.#keys.size < maxKeys) this.#keys.set(text, key);
    return key;
  }
}

/** More peers than any collector has. */
const maxKeys = 4_096;
