import type { MovedPosition } from '../ports.js';
import type { Committable } from './group-commits.js';
import type { BufferedPartition } from './read-buffer.js';

/** One assigned partition, as its reader sees it: messages read and buffered, offers, what may be committed. */
export interface ReadPartition extends Committable, BufferedPartition {
  readonly partition: number;
  /** Offered and not acknowledged. */
  readonly pending: number;
  readonly stopped: boolean;
  /** Acknowledged ranges above the base, for a commit's metadata. */
  readonly sparse: { readonly metadata: string };
  /** Where the position comes to with these acks, which change nothing yet. @throws GatewayError `entry-not-pending`, `acks-too-sparse` */
  positionWith(topic: string, offsets: readonly number[]): MovedPosition;
  /** @returns false, and changes nothing, if the offset is not offered */
  ack(offset: number): boolean;
  /** Time until every offer's deadline has passed, ms. */
  longestWait(now: number): number;
  /** Offers nothing more; acks still count. */
  stop(): void;
  /** The partition was assigned again and no other member has moved its position. @returns where to continue reading. */
  resume(): number;
}
