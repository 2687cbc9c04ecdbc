// The encoder's output: a BMP message with its topic and key, and the options that decide on it.

/** One BMP message on its way to Kafka. */
export interface BmpRecord {
  readonly topic: string;
  /** The text of the key, or null. */
  readonly key: string | null;
  readonly value: Buffer;
  /** Milliseconds since the epoch: the RIS message's time, truncated. */
  readonly timestampMs: number;
  readonly collector: string;
  /** The RIS message that this expresses; null for a synthesized one (Initiation, a Peer Up or Down without a message). */
  readonly risId: string | null;
  /** `2/3`: the second of three records of one RIS message; null if there is one. */
  readonly part: string | null;
  /** It expresses no RIS message. */
  readonly synthetic: boolean;
}

export interface EncoderOptions {
  /** See {@link topicNamer}. */
  readonly topic: string;
  /** `peer`: the peer's address, which keeps its order on any number of partitions. */
  readonly key: 'peer' | 'peer_asn' | 'collector' | 'id' | 'none';
  /** Bare BMP, or with an OpenBMP 1.7 header. */
  readonly framing: 'bmp' | 'obmp';
  /** false: `raw` is ignored and every PDU built from the JSON. */
  readonly useRaw: boolean;
  /** For Initiation's sysDescr: the program and its version. */
  readonly sysDescr: string;
}
