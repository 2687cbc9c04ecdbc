// The relay's metrics: kaf-relay's names and labels of both generations, and ours, per topic.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const prefix = 'kafka_relay_';

/** All metrics of one relay, in a registry of its own. */
export class RelayMetrics {
  readonly registry = new Registry();
  readonly #counters = new Map<string, Counter>();

  readonly highwatermark = this.#gauge(
    'source_highwatermark',
    'Sum of the end offsets of a source topic, -1 when the source does not answer',
    ['node_id', 'source_topic'],
  );
  readonly lag = this.#gauge('lag_messages', 'Messages of a source partition that are not read yet', [
    'source_topic',
    'source_partition',
    'target_topic',
  ]);
  readonly active = this.#gauge('source_active', '1 for the source that is being read', ['node_id', 'source_topic']);
  readonly up = this.#gauge('topic_up', '1 while a topic is being relayed', ['source_topic', 'target_topic']);
  readonly flushSize = this.#histogram(
    'target_flush_batch_size',
    'Records per flush',
    [1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000],
  );
  readonly flushSeconds = this.#histogram(
    'target_flush_duration_seconds',
    'Time of a flush with its retries',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  );

  /** Adds to a counter, which is created on first use. Label values in the order of the labels' keys. */
  add(name: CounterName, labels: Readonly<Record<string, string>>, by = 1): void {
    let counter = this.#counters.get(name);
    if (!counter) {
      counter = new Counter({
        name: prefix + name,
        help: counters[name],
        labelNames: Object.keys(labels),
        registers: [this.registry],
      });
      this.#counters.set(name, counter);
    }
    counter.inc(labels, by);
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    return new Gauge({ name: prefix + name, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({
      name: prefix + name,
      help,
      buckets,
      labelNames: ['source_topic', 'target_topic'],
      registers: [this.registry],
    });
  }
}

const counters = {
  source_errors_total: 'Failed connections to a source',
  source_kafka_errors_total: 'Errors while reading a source',
  source_unhealthy_total: 'Times no source could be read',
  source_connections_total: 'Connections made for reading',
  source_candidate_switches_total: 'Times a source was chosen, the first time included',
  source_lag_threshold_exceeded_total: 'Times the source was left because it lagged',
  source_gap_messages_total: 'Offsets that the source had deleted before they were read',
  target_errors_total: 'Failed connections to the target',
  target_kafka_errors_total: 'Errors while writing',
  messages_relayed_total: 'Messages queued for the target',
  messages_delivered_total: 'Messages that the target has, with their progress recorded',
  bytes_delivered_total: 'Bytes of keys and values of delivered messages',
  msg_count: 'Messages that the target has',
  messages_filtered_total: 'Messages dropped by a filter',
  filter_errors_total: 'Messages skipped because a filter threw',
  filter_stray_errors_total: 'Errors that a filter left unhandled, of promises or callbacks of its own',
  messages_oversize_total: 'Messages skipped because the target would refuse their size',
  messages_invalid_total: 'Messages skipped because the target refuses them as invalid',
  timestamps_dropped_total: 'Messages whose own time the target would refuse: it stands in _t only',
  target_inlet_blocks_total: 'Times the queue to the target was full',
  target_flush_retries_total: 'Deliveries that were tried again',
} as const;

export type CounterName = keyof typeof counters;
