// The process that the console shows: its job, and its clusters.
import type { ClusterHealth } from '../../core/cluster-health.js';
import type { KafkaFactory } from '../../core/ports.js';

/** The job that the process was started for. */
export type Job = 'gateway' | 'pixy' | 'ris' | 'relay';

export interface ConsoleCluster {
  readonly name: string;
  readonly kafka: KafkaFactory;
  readonly health?: ClusterHealth | undefined;
}
