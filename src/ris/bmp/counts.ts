// The encoder's counters.
import type { MalformedReason } from '../feed/message.js';

/** Totals of an encoder since it was created. */
export interface EncoderCounts {
  messages: number;
  records: number;
  routeMonitoring: number;
  peerUp: number;
  peerDown: number;
  initiation: number;
  termination: number;
  keepalives: number;
  opens: number;
  /** UPDATEs published as their own PDU. */
  raw: number;
  /** Of those, with two-byte AS numbers (A flag). */
  twoByteAs: number;
  /** Of those, with path identifiers removed. */
  pathIdsStripped: number;
  /** UPDATEs built from the JSON. */
  built: number;
  /** Of those, because the PDU did not match the JSON. */
  rawMismatch: number;
  /** RIS messages that became more than one UPDATE. */
  split: number;
  /** Peer Ups with a synthesized OPEN. */
  madeUpOpens: number;
  malformed: Partial<Record<MalformedReason, number>>;
  /** UPDATEs published as their own PDU although this in their JSON is unusable. */
  jsonOdd: Partial<Record<MalformedReason, number>>;
}

export const noCounts = (): EncoderCounts => ({
  messages: 0,
  records: 0,
  routeMonitoring: 0,
  peerUp: 0,
  peerDown: 0,
  initiation: 0,
  termination: 0,
  keepalives: 0,
  opens: 0,
  raw: 0,
  twoByteAs: 0,
  pathIdsStripped: 0,
  built: 0,
  rawMismatch: 0,
  split: 0,
  madeUpOpens: 0,
  malformed: {},
  jsonOdd: {},
});

/** Reports the counters as increments, for a metric that only grows. */
export class CountsReader {
  readonly #counts: EncoderCounts;
  readonly #read = new Map<string, number>();

  constructor(counts: EncoderCounts) {
    this.#counts = counts;
  }

  /** Increments since the last call: `encoded` by kind, `malformed` and `odd` by reason. */
  take(): Readonly<Record<'encoded' | 'malformed' | 'odd', readonly (readonly [string, number])[]>> {
    const { malformed, jsonOdd, ...encoded } = this.#counts;
    return {
      encoded: Object.entries(encoded).flatMap((entry) => this.#since('', ...entry)),
      malformed: Object.entries(malformed).flatMap((entry) => this.#since('malformed ', ...entry)),
      odd: Object.entries(jsonOdd).flatMap((entry) => this.#since('odd ', ...entry)),
    };
  }

  #since(kind: string, name: string, count: number): [string, number][] {
    const before = this.#read.get(kind + name) ?? 0;
    this.#read.set(kind + name, count);
    return count > before ? [[name, count - before]] : [];
  }
}
