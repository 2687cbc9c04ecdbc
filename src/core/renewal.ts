// What a running process takes over of a configuration that was read again: who may connect, and how it logs in at Kafka. Plain data: it crosses processes.
import type { AccessOptions } from './access/users.js';
import type { Properties } from './ports.js';

interface ClusterSections {
  readonly general: Properties;
  readonly consumer: Properties;
  readonly producer: Properties;
}

export interface Renewal {
  readonly access: AccessOptions;
  /** By name; `default` is the one without. */
  readonly clusters: Readonly<Record<string, ClusterSections>>;
  /** The `relay` section, which has clusters of its own. */
  readonly relay?: Readonly<Record<string, unknown>> | undefined;
}
