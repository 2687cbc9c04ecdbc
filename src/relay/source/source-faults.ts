// SourceFaults: why each source does not answer: the last cause, one log line for each, and the count.
import type { Clock, KafkaFactory } from '../../core/ports.js';
import type { Log } from '../../log.js';
import type { MappingMetrics } from '../report/mapping-metrics.js';

/** How often a cause that stays is logged, ms. */
const againMs = 60_000;

interface Fault {
  readonly cause: string;
  readonly at: number;
}

export class SourceFaults {
  readonly #name: string;
  readonly #sources: readonly KafkaFactory[];
  readonly #metrics: MappingMetrics;
  readonly #clock: Clock;
  readonly #log: Log;
  /** What was logged last of each. */
  readonly #logged: (Fault | undefined)[] = [];
  readonly #causes: (string | undefined)[] = [];

  /** @param name the mapping's */
  constructor(
    name: string,
    deps: { readonly sources: readonly KafkaFactory[]; readonly clock: Clock; readonly log: Log },
    metrics: MappingMetrics,
  ) {
    this.#name = name;
    this.#sources = deps.sources;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#metrics = metrics;
  }

  /** A check or a connection failed. @param text what is logged of it */
  failed(id: number, cause: string, text = 'a source does not answer'): void {
    this.#metrics.source('source_errors_total', id);
    this.#causes[id] = cause;
    const last = this.#logged[id];
    const now = this.#clock.monotonic();
    if (last?.cause === cause && now - last.at < againMs) return;
    this.#logged[id] = { cause, at: now };
    this.#log.warn({ topic: this.#name, server: id, broker: this.#sources[id]!.brokers, err: cause }, text);
  }

  answered(id: number): void {
    this.#causes[id] = undefined;
    if (!this.#logged[id]) return;
    this.#logged[id] = undefined;
    this.#log.info({ topic: this.#name, server: id, broker: this.#sources[id]!.brokers }, 'a source answers again');
  }

  causeOf(id: number): string | undefined {
    return this.#causes[id];
  }

  /** All that are known, for the line that says that no source is left; undefined: none. */
  get summary(): string | undefined {
    const known = this.#sources.flatMap(({ brokers }, id) =>
      this.#causes[id] === undefined ? [] : [`source ${id} (${brokers}): ${this.#causes[id]}`],
    );
    return known.length > 0 ? known.join('; ') : undefined;
  }
}
