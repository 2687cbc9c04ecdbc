// What the console uses of the jobs beside Redis clients: the RIS worker, the relay, the queues of REST and gRPC. null: unknown.
import type { QueueView } from '../../core/queue/queue-consumer.js';

export interface CollectorRow {
  readonly host: string;
  readonly leader: boolean;
  readonly hasOthers: boolean;
  readonly connected: boolean;
  readonly lagMs: number | null;
  readonly backlog: number;
  readonly backlogBytes: number;
  readonly bufferBytes: number;
  readonly peersUp: number;
  readonly late: number;
  readonly dropped: number;
  readonly feedAwayMs: number;
  readonly redisAwayMs: number;
  readonly stuckMs: number;
}

interface PeerRow {
  readonly address: string;
  readonly asn: number;
  readonly state: 'unknown' | 'up' | 'down';
}

export interface RisSide {
  collectors(): readonly CollectorRow[];
  /** Undefined: another replica leads, and knows them. */
  peers(collector: string): readonly PeerRow[] | undefined;
}

interface MappingRow {
  readonly source: string;
  readonly target: string;
  readonly messages: number;
  readonly remaining: number | null;
}

export interface RelaySide {
  mappings(): readonly MappingRow[];
}

/** Each is absent where the process has no such job. */
export interface Jobs {
  readonly ris?: (() => RisSide | undefined) | undefined;
  readonly relay?: (() => RelaySide | undefined) | undefined;
  /** The queues of REST and gRPC. */
  readonly queues?: (() => readonly QueueView[]) | undefined;
}
