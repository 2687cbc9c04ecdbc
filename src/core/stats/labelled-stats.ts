// Labelled counters and latency histograms: what /metrics shows beyond the plain counters. Names are in stats.ts.

/** Upper bounds in seconds. */
export const latencyBuckets: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Label sets kept per metric; further ones are counted under `other`, so that names chosen by clients cannot fill the memory. */
const maxSets = 500;
const separator = '\u0000';

/** The count of one set of labels: frequent callers keep it. */
export interface Count {
  value: number;
}

/** A counter with labels. */
export class LabelledCounter {
  readonly #sets = new Map<string, Count>();
  readonly #labels: number;

  constructor(labels: number) {
    this.#labels = labels;
  }

  /** @param values one for each label. */
  add(values: readonly string[], by = 1): void {
    this.count(values).value += by;
  }

  /** @param values one for each label. */
  count(values: readonly string[]): Count {
    const key = values.length === 1 ? values[0]! : values.join(separator);
    const known = this.#sets.get(key);
    if (known) return known;
    return this.#sets.size < maxSets ? this.#made(key) : this.#other();
  }

  *entries(): Iterable<readonly [values: readonly string[], count: number]> {
    for (const [key, { value }] of this.#sets) yield [key.split(separator), value];
  }

  #other(): Count {
    const key = Array<string>(this.#labels).fill('other').join(separator);
    return this.#sets.get(key) ?? this.#made(key);
  }

  #made(key: string): Count {
    const made = { value: 0 };
    this.#sets.set(key, made);
    return made;
  }
}

/** Durations in buckets. */
export class LatencyHistogram {
  /** Not cumulative; the last one is above all bounds. */
  readonly buckets: number[] = Array<number>(latencyBuckets.length + 1).fill(0);
  sum = 0;
  count = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < latencyBuckets.length && seconds > latencyBuckets[bucket]!) bucket++;
    this.buckets[bucket]!++;
    this.sum += seconds;
    this.count++;
  }
}
