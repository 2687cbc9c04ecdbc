// What the encoder hands on: a BMP message with its place in Kafka, and the options that decide on it.

/** One BMP message on its way to Kafka. */
export interface BmpRecord {
  readonly topic: string;
  /** The text of the key, or null. */
  readonly key: string | null;
  readonly value: Buffer;
  /** Milliseconds since the epoch: the RIS message's time, cut. */
  readonly timestampMs: number;
  readonly collector: string;
  /** The RIS message this one says; null for what was made up (Initiation, a Peer Up or Down that no message asked for). */
  readonly risId: string | null;
  /** `2/3`: the second of three records made of one RIS message; null when there is one. */
  readonly part: string | null;
  /** No RIS message says this. */
  readonly synthetic: boolean;
}

export interface EncoderOptions {
  /** See {@link topicNamer}. */
  readonly topic: string;
  /** `peer`: the peer's address, which keeps its order on any number of partitions. */
  readonly key: 'peer' | 'peer_asn' | 'collector' | 'id' | 'none';
  /** Bare BMP, or behind an OpenBMP 1.7 header. */
  readonly framing: 'bmp' | 'obmp';
  /** false: `raw` is ignored and every PDU built from the JSON. */
  readonly useRaw: boolean;
  /** For Initiation's sysDescr: the program and its version. */
  readonly sysDescr: string;
}
