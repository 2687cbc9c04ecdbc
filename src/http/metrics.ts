// The Prometheus view of core/stats, plus what prom-client knows of the process (event-loop lag, memory, CPU).
import { AggregatorRegistry, collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { latencyBuckets } from '../core/stats/labelled-stats.js';
import {
  type CounterName,
  counterHelp,
  type GaugeName,
  type GaugeReading,
  gaugeHelp,
  type LabelledName,
  type LatencyName,
  labelledHelp,
  latencyHelp,
  type Stats,
} from '../core/stats/stats.js';

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

/** Processes that report their metrics in prom-client's JSON, one list each. */
interface MetricsSource {
  metrics(): Promise<readonly object[]>;
}

/** `consumer.given.up` is `rafka_consumer_given_up_total`; gauges have no such suffix. */
function metricName(name: string): string {
  const words = `rafka_${name.replaceAll('.', '_')}`;
  return name.endsWith('.seconds') || Object.hasOwn(gaugeHelp, name) ? words : `${words}_total`;
}

/** A registry that reads the stats on request: counting costs no more than core's own counters. */
export function createMetrics(stats: Stats): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const [name, help] of Object.entries(counterHelp) as [CounterName, string][])
    add(registry, name, 'counter', help, () => [{ value: stats.get(name), labels: {} }]);
  for (const [name, { help, labels }] of Object.entries(labelledHelp) as [
    LabelledName,
    (typeof labelledHelp)[LabelledName],
  ][])
    add(registry, name, 'counter', help, () => samples(labels, stats.labelled(name).entries()), labels);
  for (const [name, { help, labels }] of Object.entries(gaugeHelp) as [GaugeName, (typeof gaugeHelp)[GaugeName]][])
    add(registry, name, 'gauge', help, () => samples(labels, stats.gauge(name)), labels);
  for (const [name, help] of Object.entries(latencyHelp) as [LatencyName, string][])
    add(registry, name, 'histogram', help, () => histogram(stats, name), ['face']);
  return registry;
}

/** The text for Prometheus. @param workers other processes, whose metrics are added to these */
export async function metricsText(own: Registry, workers?: MetricsSource): Promise<string> {
  const others = (await workers?.metrics()) ?? [];
  if (others.length === 0) return own.metrics();
  return AggregatorRegistry.aggregate([await own.getMetricsAsJSON(), ...others]).metrics();
}

function samples(labels: readonly string[], entries: GaugeReading): Sample[] {
  return Array.from(entries, ([values, value]) => ({
    value,
    labels: Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ''])),
  }));
}

/** prom-client reads a registered metric by get(); this one has no state of its own. */
function add(
  registry: Registry,
  name: string,
  type: string,
  help: string,
  read: () => Sample[],
  labelNames: readonly string[] = [],
): void {
  const metric = {
    name: metricName(name),
    help,
    type,
    labelNames,
    aggregator: 'sum',
    get: async () => ({ name: metricName(name), help, type, aggregator: 'sum', values: read() }),
    reset: () => {},
  };
  registry.registerMetric(metric as unknown as Metric);
}

function histogram(stats: Stats, name: LatencyName): Sample[] {
  const metric = metricName(name);
  return Array.from(stats.latencyEntries(name)).flatMap(([listener, { buckets, sum, count }]) => {
    let below = 0;
    const samples: Sample[] = buckets.map((inBucket, index) => {
      below += inBucket;
      return {
        metricName: `${metric}_bucket`,
        value: below,
        labels: { le: latencyBuckets[index] ?? '+Inf', face: listener },
      };
    });
    samples.push({ metricName: `${metric}_sum`, value: sum, labels: { face: listener } });
    samples.push({ metricName: `${metric}_count`, value: count, labels: { face: listener } });
    return samples;
  });
}
