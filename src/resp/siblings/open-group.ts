// A consumer group of a stream that one process reads, as data that crosses processes.

export interface MemberFacts {
  readonly name: string;
  /** Milliseconds since the epoch; -1: never. */
  readonly seenAt: number;
  readonly activeAt: number;
  readonly pending: number;
}

interface PendingFacts {
  readonly id: string;
  readonly member: string;
  readonly deliveredAt: number;
  readonly deliveries: number;
}

/** A group as reported by the process that reads it: plain data. */
export interface OpenGroup {
  readonly kafkaGroup: string;
  readonly isSettled: boolean;
  readonly positions: readonly (readonly [partition: number, offset: number])[];
  readonly pending: number;
  /** By name. */
  readonly members: readonly MemberFacts[];
  /** By id, as many as were asked for. */
  readonly entries: readonly PendingFacts[];
}
