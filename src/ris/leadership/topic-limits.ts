// The largest batch that each topic takes (max.message.bytes), where it may be read: what cannot fit is known before it is produced.
import { within } from '../../core/clock.js';
import { type Admin, type Clock, KafkaError, type ProducerRecord } from '../../core/ports.js';
import { own } from '../../core/promises.js';
import type { Log } from '../../log.js';
import { leastBatchBytes, plainBatchBytes } from './least-bytes.js';
import { isOfTopic } from './refusals.js';

export interface TopicLimitsOptions {
  readonly admin: Pick<Admin, 'topicConfigs'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The producer's. */
  readonly compression: string;
}

/** What librdkafka makes of several records at most, unless it is asked for less; below the default limit of topics. */
const usualBatchBytes = 1_000_000;
/** Topics of one request, and requests at most where some topics may not be read. */
const topicsAtOnce = 200;
const mostAsks = 32;
/** A topic's records that are dropped get a line so often, ms. */
const sayMs = 60_000;
/** How long a batch waits for the limits of its topics, ms. */
const patienceMs = 1_000;
/** All limits are read again after this time; sooner where one is not known, ms. */
const againMs = 300_000;
const unknownAgainMs = 60_000;

/** One collector's; it outlives terms. */
export class TopicLimits {
  readonly #options: TopicLimitsOptions;
  /** undefined: not known. */
  readonly #limits = new Map<string, number | undefined>();
  /** When a topic's dropped records are logged again. */
  readonly #sayAt = new Map<string, number>();
  #smallest = usualBatchBytes;
  #againAt = Number.POSITIVE_INFINITY;

  constructor(options: TopicLimitsOptions) {
    this.#options = options;
  }

  /** No batch of several records may be larger, bytes; undefined: what the client makes is small enough. */
  get batchBytes(): number | undefined {
    return this.#smallest < usualBatchBytes ? this.#smallest : undefined;
  }

  cannotFit(record: ProducerRecord): boolean {
    const limit = this.#limits.get(record.topic);
    if (limit === undefined || plainBatchBytes(record) <= limit) return false;
    return leastBatchBytes(record, this.#options.compression) > limit;
  }

  /** Logs that a record which cannot fit is dropped, once a minute for each topic. */
  sayDropped({ topic, value }: ProducerRecord): void {
    const now = this.#options.clock.monotonic();
    if (now < (this.#sayAt.get(topic) ?? now)) return;
    this.#sayAt.set(topic, now + sayMs);
    this.#options.log.error(
      { topic, reason: 'Message size too large', maxMessageBytes: this.#limits.get(topic), bytes: value?.length ?? 0 },
      'A record is larger than its topic takes: it is dropped',
    );
  }

  /** Reads the limits of these topics; a batch waits for it a second at most. Never rejects: what cannot be read is not known. */
  async learn(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) await within(this.#options.clock, patienceMs, this.#read(topics));
  }

  /** Reads all limits again when it is time: an operator may have changed them. */
  refresh(): void {
    const { clock, log } = this.#options;
    if (clock.monotonic() < this.#againAt) return;
    this.#againAt = clock.monotonic() + unknownAgainMs;
    own(this.#read([...this.#limits.keys()]), (err) => log.error({ err }, 'reading limits failed: this is a bug'));
  }

  async #read(topics: readonly string[]): Promise<void> {
    const left = { asks: Math.max(mostAsks, Math.ceil(topics.length / topicsAtOnce)) };
    for (let from = 0; from < topics.length; from += topicsAtOnce)
      await this.#readPart(topics.slice(from, from + topicsAtOnce), left);
    const known = [...this.#limits.values()].filter((limit) => limit !== undefined);
    this.#smallest = known.reduce((smallest, limit) => Math.min(smallest, limit), usualBatchBytes);
    const waitMs = known.length < this.#limits.size ? unknownAgainMs : againMs;
    this.#againAt = this.#options.clock.monotonic() + waitMs;
  }

  /** One topic that may not be read fails the request for all of them: then by halves. */
  async #readPart(topics: readonly string[], left: { asks: number }): Promise<void> {
    if (left.asks <= 0) return this.#note(topics);
    left.asks--;
    try {
      const found = await this.#options.admin.topicConfigs(topics);
      for (const topic of topics) this.#limits.set(topic, limitOf(found.get(topic)));
    } catch (error) {
      const isRefused = error instanceof KafkaError && isOfTopic(error);
      if (!isRefused || topics.length === 1) {
        const reason = (error as Error).message;
        this.#options.log.debug({ topics: topics.slice(0, 3), reason }, 'The limits of topics are not known');
        if (isRefused) for (const topic of topics) this.#limits.set(topic, undefined);
        return this.#note(topics);
      }
      const half = topics.length >> 1;
      await this.#readPart(topics.slice(0, half), left);
      await this.#readPart(topics.slice(half), left);
    }
  }

  /** Topics whose limits are to be read some time. */
  #note(topics: readonly string[]): void {
    for (const topic of topics) if (!this.#limits.has(topic)) this.#limits.set(topic, undefined);
  }
}

function limitOf(settings: ReadonlyMap<string, { readonly value: string }> | undefined): number | undefined {
  const limit = Number(settings?.get('max.message.bytes')?.value ?? Number.NaN);
  return Number.isInteger(limit) && limit > 0 ? limit : undefined;
}
