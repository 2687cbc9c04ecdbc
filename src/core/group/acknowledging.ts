// Acks that go with a transaction: who takes them, and what they move.
import type { TopicPartitionOffset } from '../ports.js';

/** A position, and what is committed with it: the acks above it. */
export interface MovedPosition extends TopicPartitionOffset {
  readonly metadata?: string;
}

/** Positions of a group that move with a transaction. */
export interface Movement {
  readonly positions: readonly MovedPosition[];
  /** Consumer.groupMetadata() of the member that they are of: Kafka refuses one whose generation is over. */
  readonly member: Buffer;
}

/** Acks that wait for a transaction: one of these is called when it has ended. */
export interface Staged extends Movement {
  committed(): void;
  /** Nothing has moved. */
  aborted(): void;
  /** It is not known whether they have moved. */
  unknown(): void;
}

/** A member of a group, as far as its acks go. It takes part in one transaction at a time: of two, the later would undo the earlier. */
export interface AckSource {
  /** Acks of several EXECs may go in one transaction: each ack is of one message only. */
  readonly isShared: boolean;
  /** @throws GatewayError if one of them is not possible; KafkaError */
  stage(acks: readonly TopicPartitionOffset[]): Promise<Staged>;
}

export type Acks = ReadonlyMap<AckSource, readonly TopicPartitionOffset[]>;
