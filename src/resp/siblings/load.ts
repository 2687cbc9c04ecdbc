// What INFO and HGETALL stats count, as data that crosses processes.
import type { StatsSnapshot } from '../../core/stats/stats.js';

/** Of one process, or summed. */
export interface ProcessStatus {
  readonly stats: StatsSnapshot;
  readonly load: Load;
}

export interface Load {
  /** Connections, and how many of them wait. */
  readonly clients: number;
  readonly blocked: number;
  /** Resident memory, bytes. */
  readonly memory: number;
  /** CPU time used, us. */
  readonly cpuUser: number;
  readonly cpuSystem: number;
  readonly producers: number;
  readonly spareProducers: number;
  readonly consumers: number;
  readonly inFlight: number;
}
