// What both sides of one topic's relay work with.
import type { Clock, KafkaFactory } from '../core/ports.js';
import type { Log } from '../log.js';
import type { CheckpointStore } from './checkpoint/checkpoint-store.js';
import type { RelayConfig } from './config/config.js';
import type { Mapping } from './config/topic-map.js';
import type { LoadedFilter } from './record/filter.js';
import type { RelayMetrics } from './report/metrics.js';

export interface MappingDeps {
  readonly mapping: Mapping;
  readonly config: RelayConfig;
  readonly target: KafkaFactory;
  readonly sources: readonly KafkaFactory[];
  readonly store: CheckpointStore;
  readonly filters: readonly LoadedFilter[];
  readonly metrics: RelayMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}
