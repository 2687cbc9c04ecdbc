// What the console knows of the process by its own metrics: the same ones that /metrics serves.
import type { Registry } from 'prom-client';

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

interface MetricJson {
  readonly name: string;
  readonly values: readonly Value[];
}

export interface MetricsOfWorkers {
  metrics(): Promise<readonly object[]>;
}

/** The metrics of a moment, of this process and its workers. */
export class Reading {
  readonly #metrics = new Map<string, Value[]>();

  constructor(processes: readonly (readonly MetricJson[])[]) {
    for (const metrics of processes)
      for (const { name, values } of metrics) {
        const known = this.#metrics.get(name);
        if (known) known.push(...values);
        else this.#metrics.set(name, [...values]);
      }
  }

  values(name: string): readonly Value[] {
    return this.#metrics.get(name) ?? [];
  }

  /** Over all labels and processes; undefined if there is no such metric. */
  sum(name: string): number | undefined {
    const values = this.#metrics.get(name);
    return values?.reduce((sum, { value }) => sum + value, 0);
  }

  /** The largest of all processes; undefined if there is no such metric. */
  max(name: string): number | undefined {
    const values = this.#metrics.get(name);
    return values && values.length > 0 ? Math.max(...values.map(({ value }) => value)) : undefined;
  }

  /** Sums by one label. */
  by(name: string, label: string): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.values(name)) {
      const key = String(labels[label] ?? '');
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    return sums;
  }
}

/** @throws Error if a worker does not answer */
export async function readMetrics(registry: Registry, workers?: MetricsOfWorkers): Promise<Reading> {
  const others = (await workers?.metrics()) ?? [];
  const own = (await registry.getMetricsAsJSON()) as unknown as MetricJson[];
  return new Reading([own, ...(others as unknown as MetricJson[][])]);
}
