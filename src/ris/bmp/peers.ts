// Peer sessions as BMP sees them: which are up, with which OPENs, and the effect of a state message or a NOTIFICATION.

import type { AsWidth } from '../bgp/bgp-check.js';
import { hasFourByteAs, madeUpOpen, notificationPdu, openPdu, routerIdOf, withoutAddPath } from '../bgp/open.js';
import { addressLength, canonicalAddress } from '../feed/address.js';
import type { RisMessage, RisNotification, RisOpen } from '../feed/message.js';
import { type PeerDownReason, peerTemplate } from './bmp.js';

/** The collectors' own AS number, for a synthesized OPEN of a collector. */
const risAsn = 12654;

/** `unknown`: nothing was published of it yet, in this process or a restored state. */
export type PeerStatus = 'unknown' | 'up' | 'down';

/** The two OPENs of a session as far as they were seen. */
interface Opens {
  readonly sent: Buffer | null;
  readonly received: Buffer | null;
}

const noOpens: Opens = { sent: null, received: null };

/** Both OPENs of a Peer Up, and whether one of them was synthesized. */
export interface SessionOpens {
  readonly sent: Buffer;
  readonly received: Buffer;
  readonly madeUp: boolean;
}

/** A peer as JSON: OPENs in base64; unknown values are absent. */
export interface PeerSnapshot {
  readonly status: PeerStatus;
  readonly asWidth?: AsWidth;
  readonly sent?: string;
  readonly received?: string;
  readonly nextSent?: string;
  readonly nextReceived?: string;
  readonly connecting?: true;
}

/** `collector peer asn` -> its state; small JSON for checkpoints. */
export type PeersSnapshot = Readonly<Record<string, PeerSnapshot>>;

/** One (collector, peer address, peer AS). */
export class Peer {
  readonly collector: string;
  readonly address: string;
  readonly asn: number;
  status: PeerStatus = 'unknown';
  /** How the session's raw UPDATEs write AS numbers; null until one with a path, or the OPENs, show it. */
  asWidth: AsWidth | null = null;
  /** Per-peer header without time and A flag. */
  template: Buffer;
  #current: Opens = noOpens;
  /** OPENs of a session that is not established yet. */
  #next: Opens = noOpens;
  #ending: PeerDownReason | null = null;
  /** A connection was seen that is not known to be established. */
  #connecting = false;

  constructor(collector: string, address: string, asn: number) {
    this.collector = collector;
    this.address = address;
    this.asn = asn;
    this.template = peerTemplate(address, asn, new Uint8Array(4));
  }

  /** Its name in a snapshot. */
  get key(): string {
    return `${this.collector} ${this.address} ${this.asn}`;
  }

  /** Whether a connection has begun that anything but an OPEN shows to be established. */
  get isConnecting(): boolean {
    return this.#connecting;
  }

  /** Whether both OPENs of the connection that has begun were seen: it is as good as established. */
  get hasOpened(): boolean {
    return this.#connecting && this.#hasBoth;
  }

  /** Whether both OPENs of a connection after the one that is up were seen. */
  get hasSuccessor(): boolean {
    return this.status === 'up' && this.#hasBoth;
  }

  get #hasBoth(): boolean {
    return this.#next.sent !== null && this.#next.received !== null;
  }

  /** STATE connected. Its OPENs may have come before, or follow. */
  connect(): void {
    this.#connecting = true;
    this.#current = noOpens;
  }

  /** An OPEN does not affect a session that is up: it may belong to a second connection, refused by collision detection. */
  open(message: RisOpen): void {
    this.#next = { ...this.#next, [message.direction]: openPdu(message) };
  }

  /** The session is established: takes the OPENs seen since the last one, or synthesizes them. */
  up(): SessionOpens {
    if (this.#next !== noOpens) {
      this.#current = this.#next;
      this.#next = noOpens;
    }
    this.#ending = null;
    this.#connecting = false;
    this.status = 'up';
    this.#recognise();
    const { sent, received } = this.#current;
    const madeUp = sent === null || received === null;
    const theirs = received ?? madeUpOpen(this.asn, this.asWidth === 2);
    return { sent: withoutAddPath(sent ?? madeUpOpen(risAsn, false), theirs), received: theirs, madeUp };
  }

  /**
   * A NOTIFICATION ends its session. Two kinds are only kept as the reason of the `down` that follows: those
   * that can only come before a session is established (OPEN errors, refused and colliding connections), and those without
   * a PDU, which must be inferred from the JSON.
   * @returns the reason to publish, or null.
   */
  notification(message: RisNotification): PeerDownReason | null {
    const pdu = notificationPdu(message);
    // RIS Live mostly does not show the sender; collectors hardly ever end a session.
    const kind = message.direction === 'sent' ? 'local-notification' : 'remote-notification';
    const { code, subcode } = message;
    if (message.raw === null || code === 2 || (code === 6 && (subcode === 5 || subcode === 7))) {
      this.#ending = { kind, pdu };
      return null;
    }
    return this.#down({ kind, pdu });
  }

  /** STATE down. @returns the reason to publish, or null if the peer was not up. */
  down(): PeerDownReason | null {
    return this.#down(this.#ending ?? { kind: 'remote' });
  }

  /** Marks a hole in what is published of a peer that is up; its next message brings it up again with the same OPENs. */
  interrupt(): PeerDownReason | null {
    if (this.status !== 'up') return null;
    this.status = 'down';
    return { kind: 'local', event: 0 };
  }

  #down(reason: PeerDownReason): PeerDownReason | null {
    const wasUp = this.status === 'up';
    // Of a connection that failed; while another is up they may be of its successor.
    if (!wasUp) this.#next = noOpens;
    this.status = 'down';
    this.#current = noOpens;
    this.#ending = null;
    this.#connecting = false;
    return wasUp ? reason : null;
  }

  #recognise(): void {
    const { sent, received } = this.#current;
    this.template = peerTemplate(this.address, this.asn, received === null ? new Uint8Array(4) : routerIdOf(received));
    if (received !== null) this.asWidth = hasFourByteAs(received) && (sent === null || hasFourByteAs(sent)) ? 4 : 2;
  }

  snapshot(): PeerSnapshot {
    const text = (open: Buffer | null): string | undefined => open?.toString('base64');
    const all = {
      status: this.status,
      asWidth: this.asWidth ?? undefined,
      sent: text(this.#current.sent),
      received: text(this.#current.received),
      nextSent: text(this.#next.sent),
      nextReceived: text(this.#next.received),
      connecting: this.#connecting ? (true as const) : undefined,
    };
    return Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== undefined),
    ) as unknown as PeerSnapshot;
  }

  restore(from: PeerSnapshot): void {
    const bytes = (text: string | undefined): Buffer | null =>
      text === undefined ? null : Buffer.from(text, 'base64');
    this.status = from.status;
    this.#current = { sent: bytes(from.sent), received: bytes(from.received) };
    const next = { sent: bytes(from.nextSent), received: bytes(from.nextReceived) };
    this.#next = next.sent === null && next.received === null ? noOpens : next;
    this.#ending = null;
    this.#connecting = from.connecting ?? false;
    this.#recognise();
    this.asWidth = from.asWidth ?? this.asWidth;
  }
}

/** All known peers. Bounded by the number of sessions of the collectors. */
export class PeerTable {
  /** By `collector peer`; more than one only where an address changed its AS. */
  readonly #peers = new Map<string, Peer[]>();

  get(message: Pick<RisMessage, 'collector' | 'peer' | 'peerKey' | 'peerAsn'>): Peer {
    let same = this.#peers.get(message.peerKey);
    if (same === undefined) {
      same = [];
      this.#peers.set(message.peerKey, same);
    }
    for (const peer of same) if (peer.asn === message.peerAsn) return peer;
    const peer = new Peer(message.collector, message.peer, message.peerAsn);
    same.push(peer);
    return peer;
  }

  *[Symbol.iterator](): Generator<Peer> {
    for (const same of this.#peers.values()) yield* same;
  }

  /** Sessions that are up. */
  get up(): number {
    let count = 0;
    for (const peer of this) if (peer.status === 'up') count++;
    return count;
  }

  /** The state of all peers, or of one collector's. */
  snapshot(collector?: string): PeersSnapshot {
    const out: Record<string, PeerSnapshot> = {};
    for (const peer of this)
      if (collector === undefined || peer.collector === collector) out[peer.key] = peer.snapshot();
    return out;
  }

  /** Restores the named peers' state from a snapshot; one with an unreadable key is skipped. */
  restore(snapshot: PeersSnapshot): void {
    for (const [key, state] of Object.entries(snapshot)) {
      const [collector = '', address = '', asn] = key.split(' ');
      const peer = canonicalAddress(address);
      if (addressLength(peer) === 0 || !Number.isInteger(Number(asn))) continue;
      this.get({ collector, peer, peerKey: `${collector} ${peer}`, peerAsn: Number(asn) }).restore(state);
    }
  }

  clear(): void {
    this.#peers.clear();
  }
}
