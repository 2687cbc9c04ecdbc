// MappingMetrics: one mapping's counts, kept without labels while messages pass, and added to the metrics at a commit.

import type { Mapping } from '../config/topic-map.js';
import type { RelayMetrics } from './metrics.js';

/** Counts of one source partition since the last publish(). */
interface Tally {
  relayed: number;
  delivered: number;
  bytes: number;
  /** Relayed messages and bytes since the last delivery. */
  open: number;
  openBytes: number;
}

/** One mapping's part of the metrics: cheap counting per message, labels only at a commit. */
export class MappingMetrics {
  readonly #metrics: RelayMetrics;
  readonly #mapping: Mapping;
  readonly #topics: { source_topic: string; target_topic: string };
  readonly #tallies: Tally[] = [];
  /** Partitions whose lag is reported. */
  readonly #lagging = new Set<number>();
  /** Since the start, for progress and summary. */
  readonly total = { messages: 0, bytes: 0, filtered: 0, skipped: 0 };

  constructor(metrics: RelayMetrics, mapping: Mapping, sources: number) {
    this.#metrics = metrics;
    this.#mapping = mapping;
    this.#topics = { source_topic: mapping.source, target_topic: mapping.target };
    this.#startAtZero(sources);
  }

  count(name: 'source_unhealthy_total' | 'source_candidate_switches_total'): void {
    this.#metrics.add(name, { source_topic: this.#mapping.source });
  }

  source(
    name:
      | 'source_connections_total'
      | 'source_lag_threshold_exceeded_total'
      | 'source_errors_total'
      | 'source_kafka_errors_total',
    id: number,
    by = 1,
  ): void {
    const error =
      name === 'source_errors_total'
        ? { error: 'connection_failed' }
        : name === 'source_kafka_errors_total'
          ? { error: 'fetch_error' }
          : {};
    this.#metrics.add(name, { node_id: String(id), ...error, source_topic: this.#mapping.source }, by);
  }

  target(name: 'target_inlet_blocks_total' | 'target_flush_retries_total'): void {
    this.#metrics.add(name, this.#topics);
  }

  targetError(error: 'client_creation_failed' | 'connection_failed', by = 1): void {
    this.#metrics.add('target_errors_total', { error, target_topic: this.#mapping.target }, by);
  }

  targetKafkaError(error: 'tls_config_error' | 'produce_failed' | 'produce_retries_exhausted', by = 1): void {
    this.#metrics.add('target_kafka_errors_total', { error, target_topic: this.#mapping.target }, by);
  }

  weight(id: number, weight: number): void {
    this.#metrics.highwatermark.set({ node_id: String(id), source_topic: this.#mapping.source }, weight);
  }

  active(id: number, active: boolean): void {
    this.#metrics.active.set({ node_id: String(id), source_topic: this.#mapping.source }, active ? 1 : 0);
  }

  up(up: boolean): void {
    this.#metrics.up.set(this.#topics, up ? 1 : 0);
  }

  lag(partition: number, messages: number): void {
    this.#lagging.add(partition);
    this.#metrics.lag.set({ ...this.#topics, source_partition: String(partition) }, Math.max(0, messages));
  }

  /** No source reports how much is left: 0 would be wrong. */
  lagUnknown(): void {
    for (const partition of this.#lagging) {
      this.#metrics.lag.remove({ ...this.#topics, source_partition: String(partition) });
    }
    this.#lagging.clear();
  }

  gap(messages: number): void {
    this.#metrics.add('source_gap_messages_total', this.#topics, messages);
  }

  filtered(filter: string, failed: boolean): void {
    if (failed) this.total.skipped += 1;
    else this.total.filtered += 1;
    this.#metrics.add(failed ? 'filter_errors_total' : 'messages_filtered_total', { filter, ...this.#topics });
  }

  refused(kind: 'oversize' | 'invalid'): void {
    this.total.skipped += 1;
    this.#metrics.add(`messages_${kind}_total`, this.#topics);
  }

  timeDropped(messages: number): void {
    this.#metrics.add('timestamps_dropped_total', this.#topics, messages);
  }

  /** One message was queued. The hot path: no labels here. */
  relayed(partition: number, bytes: number): void {
    this.#tallies[partition] ??= { relayed: 0, delivered: 0, bytes: 0, open: 0, openBytes: 0 };
    const tally = this.#tallies[partition];
    tally.relayed += 1;
    tally.open += 1;
    tally.openBytes += bytes;
  }

  /** A commit succeeded: what was queued is delivered. */
  delivered(records: number, seconds: number): void {
    if (records > 0) this.#metrics.flushSize.observe(this.#topics, records);
    this.#metrics.flushSeconds.observe(this.#topics, seconds);
    for (const tally of this.#tallies) {
      if (!tally) continue;
      tally.delivered += tally.open;
      tally.bytes += tally.openBytes;
      tally.open = 0;
      tally.openBytes = 0;
    }
    this.#publish();
  }

  /** Queued messages are given up, and will be read again. */
  givenUp(): void {
    for (const tally of this.#tallies) {
      if (!tally) continue;
      tally.open = 0;
      tally.openBytes = 0;
    }
  }

  #publish(): void {
    this.#tallies.forEach((tally, partition) => {
      if (tally.relayed === 0 && tally.delivered === 0) return;
      const labels = {
        source_topic: this.#mapping.source,
        source_partition: String(partition),
        target_topic: this.#mapping.target,
        target_partition: String(this.#mapping.pin ?? partition),
      };
      this.#metrics.add('messages_relayed_total', labels, tally.relayed);
      this.#metrics.add('messages_delivered_total', labels, tally.delivered);
      this.#metrics.add('bytes_delivered_total', this.#topics, tally.bytes);
      this.#metrics.add(
        'msg_count',
        { source: this.#mapping.source, destination: this.#mapping.target, partition: String(partition) },
        tally.delivered,
      );
      this.total.messages += tally.delivered;
      this.total.bytes += tally.bytes;
      tally.relayed = 0;
      tally.delivered = 0;
      tally.bytes = 0;
    });
  }

  #startAtZero(sources: number): void {
    for (let id = 0; id < sources; id++) {
      this.source('source_errors_total', id, 0);
      this.source('source_connections_total', id, 0);
      this.source('source_lag_threshold_exceeded_total', id, 0);
      for (const error of ['client_closed', 'fetch_error']) {
        this.#metrics.add(
          'source_kafka_errors_total',
          { node_id: String(id), error, source_topic: this.#mapping.source },
          0,
        );
      }
      this.weight(id, -1);
      this.active(id, false);
    }
    for (const error of ['client_creation_failed', 'connection_failed'] as const) this.targetError(error, 0);
    for (const error of ['tls_config_error', 'produce_failed', 'produce_retries_exhausted'] as const)
      this.targetKafkaError(error, 0);
    for (const name of ['source_unhealthy_total', 'source_candidate_switches_total'] as const)
      this.#metrics.add(name, { source_topic: this.#mapping.source }, 0);
    for (const name of [
      'target_inlet_blocks_total',
      'target_flush_retries_total',
      'source_gap_messages_total',
      'messages_oversize_total',
      'messages_invalid_total',
      'timestamps_dropped_total',
    ] as const) {
      this.#metrics.add(name, this.#topics, 0);
    }
    this.up(false);
  }
}
