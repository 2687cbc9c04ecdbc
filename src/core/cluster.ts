// The named Kafka clusters that listeners and workers talk to.
import { GatewayError } from '../errors.js';
import type { ClusterHealth } from './cluster-health.js';
import type { KafkaFactory } from './ports.js';

/** One named Kafka cluster. */
export interface Cluster {
  readonly name: string;
  readonly kafka: KafkaFactory;
  /** Absent: not monitored. */
  readonly health?: ClusterHealth;
}

/** All clusters of the configuration; the first is the default one. */
export class Clusters {
  readonly #byName: ReadonlyMap<string, Cluster>;

  constructor(clusters: readonly Cluster[]) {
    this.#byName = new Map(clusters.map((cluster) => [cluster.name, cluster]));
  }

  /** @throws GatewayError `cluster-unknown` */
  get(name?: string): Cluster {
    const found = name === undefined ? this.#byName.values().next().value : this.#byName.get(name);
    if (!found) throw new GatewayError('cluster-unknown', [name ?? 'default']);
    return found;
  }

  [Symbol.iterator](): Iterator<Cluster> {
    return this.#byName.values();
  }
}
