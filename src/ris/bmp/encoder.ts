// Turns ordered RIS messages into BMP records: topics, keys, headers, and the session messages in between.
import { checkRaw, stripPathIds } from '../bgp/bgp-check.js';
import { UpdateBuilder } from '../bgp/bgp-encode.js';
import { addAnnounced, hasPrefix, isEndOfRib, Routes } from '../bgp/routes.js';
import type { MalformedReason, RisMessage, RisNotification, RisState, RisUpdate } from '../feed/message.js';
import * as bmp from './bmp.js';
import { type EncoderCounts, noCounts } from './counts.js';
import { obmpWrapper } from './obmp.js';
import { type Peer, PeerTable } from './peers.js';
import type { BmpRecord, EncoderOptions } from './record.js';
import { topicNamer } from './topic.js';

const defaultEncoderOptions: EncoderOptions = {
  topic: '<collector>.<peer_asn>.bmp_raw',
  key: 'peer',
  framing: 'bmp',
  useRaw: true,
  sysDescr: 'rafka ris',
};

type Time = Pick<bmp.PeerStamp, 'seconds' | 'micros'>;

/** Everything between an ordered RIS message and its records. Pure except for its own state: the peers' and its counts. */
export class RisEncoder {
  readonly peers = new PeerTable();
  readonly counts: EncoderCounts = noCounts();
  readonly #options: EncoderOptions;
  readonly #topicOf: ReturnType<typeof topicNamer>;
  readonly #topics = new WeakMap<Peer, string>();
  readonly #wrappers = new Map<string, ReturnType<typeof obmpWrapper>>();
  /** Topics that have had their Initiation, with their collector. */
  readonly #opened = new Map<string, string>();
  readonly #builder = new UpdateBuilder(bmp.peerHeaderEnd);
  readonly #expected = { announced: new Routes(), withdrawn: new Routes() };
  #out: BmpRecord[] = [];
  #odd: readonly MalformedReason[] = [];

  /** @throws Error for an impossible topic template. */
  constructor(options: Partial<EncoderOptions> = {}) {
    this.#options = { ...defaultEncoderOptions, ...options };
    this.#topicOf = topicNamer(this.#options.topic);
  }

  /** The records of one message, in the order to publish; none for messages without a BMP form and for malformed ones (counted). */
  encode(message: RisMessage): BmpRecord[] {
    this.#out = [];
    this.#odd = [];
    this.counts.messages++;
    const peer = this.peers.get(message);
    switch (message.type) {
      case 'UPDATE':
        this.#update(peer, message);
        break;
      case 'OPEN':
        this.counts.opens++;
        peer.open(this.#options.useRaw ? message : { ...message, raw: null });
        if (peer.hasOpened) this.#up(peer, message, message.id);
        break;
      case 'NOTIFICATION':
        this.#notification(peer, this.#options.useRaw ? message : { ...message, raw: null });
        break;
      case 'STATE':
        this.#state(peer, message);
        break;
      case 'KEEPALIVE':
        this.counts.keepalives++;
        if (peer.isConnecting) this.#up(peer, message, null);
        break;
    }
    return this.#out;
  }

  /** What in the last message's JSON was unusable, and did not matter because its raw PDU was published. */
  get odd(): readonly MalformedReason[] {
    return this.#odd;
  }

  /** Begins a leader's term: Initiation in the collector's own topic now, in each other topic before its first record. */
  beginTerm(collector: string, nowMs: number): BmpRecord[] {
    this.#out = [];
    for (const [topic, of] of this.#opened) if (of === collector) this.#opened.delete(topic);
    this.#openTopic(this.#topicOf(collector, 'meta'), collector, null, timeAt(nowMs));
    return this.#out;
  }

  /** Ends a collector's stream for good: Termination in every topic that this term used. */
  endTerm(collector: string, nowMs: number, reason: number = bmp.terminationReason.closed): BmpRecord[] {
    this.#out = [];
    for (const [topic, of] of this.#opened) {
      if (of !== collector) continue;
      this.counts.termination++;
      this.#push(topic, collector, null, bmp.termination(reason), timeAt(nowMs), null, null);
      this.#opened.delete(topic);
    }
    return this.#out;
  }

  /** Marks a hole: Peer Down (local, no FSM event) for the named peers, or all of the collector's, that are up. */
  interrupt(collector: string, nowMs: number, addresses?: ReadonlySet<string>): BmpRecord[] {
    this.#out = [];
    for (const peer of this.peers) {
      if (peer.collector !== collector || (addresses !== undefined && !addresses.has(peer.address))) continue;
      this.#down(peer, timeAt(nowMs), peer.interrupt(), null);
    }
    return this.#out;
  }

  /** As interrupt(), for the peers of these topics, which are opened anew. */
  interruptTopics(
    collector: string,
    nowMs: number,
    topics: ReadonlySet<string>,
  ): { readonly records: BmpRecord[]; readonly peers: Peer[] } {
    this.#out = [];
    for (const topic of topics) this.#opened.delete(topic);
    const peers = [...this.peers].filter((peer) => topics.has(this.#topicOf(peer.collector, peer.asn)));
    for (const peer of peers) this.#down(peer, timeAt(nowMs), peer.interrupt(), null);
    const meta = this.#topicOf(collector, 'meta');
    if (topics.has(meta) && !this.#opened.has(meta)) this.#openTopic(meta, collector, null, timeAt(nowMs));
    return { records: this.#out, peers };
  }

  #notification(peer: Peer, message: RisNotification): void {
    this.#down(peer, message, peer.notification(message), message.id);
  }

  #state(peer: Peer, message: RisState): void {
    const { state, id } = message;
    if (state === 'down') {
      this.#down(peer, message, peer.down(), id);
      return;
    }
    if (state === 'up' && peer.status === 'up' && !peer.hasSuccessor) return;
    // Another connection while one is up: the end of the first was not seen.
    this.#down(peer, message, peer.status === 'up' ? peer.down() : null, null);
    peer.connect();
    // `connected` is only TCP where the OPENs follow.
    if (state === 'up' || peer.hasOpened) this.#up(peer, message, id);
  }

  #up(peer: Peer, at: Time, risId: string | null): void {
    const { sent, received, madeUp } = peer.up();
    const stamp = { seconds: at.seconds, micros: at.micros, twoByteAs: peer.asWidth === 2 };
    if (madeUp) this.counts.madeUpOpens++;
    this.counts.peerUp++;
    this.#publish(peer, bmp.peerUp(peer.template, stamp, sent, received), at, risId, null);
  }

  #down(peer: Peer, at: Time, reason: bmp.PeerDownReason | null, risId: string | null): void {
    if (reason === null) return;
    const stamp = { seconds: at.seconds, micros: at.micros, twoByteAs: peer.asWidth === 2 };
    this.counts.peerDown++;
    this.#publish(peer, bmp.peerDown(peer.template, stamp, reason), at, risId, null);
  }

  #update(peer: Peer, message: RisUpdate): void {
    const own = this.#options.useRaw && message.raw !== null ? this.#fromRaw(peer, message, message.raw) : null;
    if (own === null) this.#build(peer, message);
    else {
      if (peer.status !== 'up') this.#up(peer, message, null);
      bmp.writePeerHeader(own.message, peer.template, bmp.bmpType.routeMonitoring, own.stamp);
      this.counts.raw++;
      this.counts.routeMonitoring++;
      for (const reason of this.#odd) this.counts.jsonOdd[reason] = (this.counts.jsonOdd[reason] ?? 0) + 1;
      this.#publish(peer, own.message, message, message.id, null);
    }
  }

  /** Whether the JSON alone is enough to rebuild the UPDATE. Without a prefix it may be of any address family: a false End-of-RIB deletes routes. */
  #isTold(update: RisUpdate): boolean {
    if (hasPrefix(update) || isEndOfRib(update)) return true;
    // Its raw PDU was not usable.
    if (this.#options.useRaw && update.raw !== null) return false;
    return (update.path ?? []).length > 0 || update.origin !== undefined;
  }

  #build(peer: Peer, message: RisUpdate): void {
    this.#odd = [];
    const built = message.odd[0] ?? (this.#isTold(message) ? this.#builder.build(message) : 'no-prefix');
    if (typeof built === 'string') {
      this.#refuse(built);
      return;
    }
    if (peer.status !== 'up') this.#up(peer, message, null);
    this.counts.built++;
    this.counts.routeMonitoring += built.length;
    if (built.length > 1) this.counts.split++;
    const stamp = { seconds: message.seconds, micros: message.micros, twoByteAs: false };
    built.forEach((value, i) => {
      const part = built.length > 1 ? `${i + 1}/${built.length}` : null;
      bmp.writePeerHeader(value, peer.template, bmp.bmpType.routeMonitoring, stamp);
      this.#publish(peer, value, message, message.id, part);
    });
  }

  /**
   * The message's own PDU in a BMP message without its headers yet; null if it does not match the JSON.
   * The hex digits are decoded into their final position: no copy of a PDU is made.
   */
  #fromRaw(peer: Peer, update: RisUpdate, hex: string): RawMessage | null {
    const { announced, withdrawn } = this.#expected;
    announced.clear();
    withdrawn.clear();
    const arePrefixes = addAnnounced(announced, update.announcements) && withdrawn.add(update.withdrawals ?? []);
    this.#odd = arePrefixes ? update.odd : [...update.odd, 'prefix'];
    const isKnown = arePrefixes && !update.odd.includes('announcements') && !update.odd.includes('withdrawals');
    const expected = isKnown ? this.#expected : null;
    const message = Buffer.allocUnsafe(bmp.peerHeaderEnd + (hex.length >>> 1));
    const isHex = message.write(hex, bmp.peerHeaderEnd, 'hex') * 2 === hex.length;
    const reading = isHex ? checkRaw(message, update, expected, peer.asWidth, bmp.peerHeaderEnd) : null;
    if (reading === null) {
      this.counts.rawMismatch++;
      return null;
    }
    peer.asWidth = reading.asWidth;
    const stamp = { seconds: update.seconds, micros: update.micros, twoByteAs: reading.asWidth === 2 };
    if (stamp.twoByteAs) this.counts.twoByteAs++;
    if (!reading.addPath4 && !reading.addPath6) return { message, stamp };
    this.counts.pathIdsStripped++;
    return { message: Buffer.concat([message.subarray(0, bmp.peerHeaderEnd), stripPathIds(message, reading)]), stamp };
  }

  #refuse(reason: MalformedReason): void {
    this.counts.malformed[reason] = (this.counts.malformed[reason] ?? 0) + 1;
  }

  #publish(peer: Peer, value: Buffer, at: Time, risId: string | null, part: string | null): void {
    let topic = this.#topics.get(peer);
    if (topic === undefined) {
      topic = this.#topicOf(peer.collector, peer.asn);
      this.#topics.set(peer, topic);
    }
    if (!this.#opened.has(topic)) this.#openTopic(topic, peer.collector, peer, at);
    this.#push(topic, peer.collector, peer, value, at, risId, part);
  }

  #openTopic(topic: string, collector: string, peer: Peer | null, at: Time): void {
    this.#opened.set(topic, collector);
    this.counts.initiation++;
    this.#push(topic, collector, peer, bmp.initiation(collector, this.#options.sysDescr), at, null, null);
  }

  #push(
    topic: string,
    collector: string,
    peer: Peer | null,
    message: Buffer,
    at: Time,
    risId: string | null,
    part: string | null,
  ): void {
    this.counts.records++;
    this.#out.push({
      topic,
      key: this.#keyOf(collector, peer, risId),
      value: this.#options.framing === 'obmp' ? this.#wrap(collector, message, at) : message,
      timestampMs: at.seconds * 1000 + Math.floor(at.micros / 1000),
      collector,
      risId,
      part,
      synthetic: risId === null,
    });
  }

  #keyOf(collector: string, peer: Peer | null, risId: string | null): string | null {
    switch (this.#options.key) {
      case 'peer':
        return peer?.address ?? collector;
      case 'peer_asn':
        return peer === null ? collector : String(peer.asn);
      case 'collector':
        return collector;
      case 'id':
        return risId;
      case 'none':
        return null;
    }
  }

  #wrap(collector: string, message: Buffer, at: Time): Buffer {
    let wrap = this.#wrappers.get(collector);
    if (wrap === undefined) {
      wrap = obmpWrapper(collector);
      this.#wrappers.set(collector, wrap);
    }
    return wrap(message, at.seconds, at.micros);
  }
}

interface RawMessage {
  readonly message: Buffer;
  readonly stamp: bmp.PeerStamp;
}

const timeAt = (ms: number): Time => ({ seconds: Math.floor(ms / 1000), micros: (Math.floor(ms) % 1000) * 1000 });
