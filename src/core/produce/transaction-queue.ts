// TransactionQueue: what waits for a transaction. Requests that wait together share a transaction where none of them can harm another.

import type { AckSource, Acks, DeliveryReport, ProducerRecord } from '../ports.js';

/** What one EXEC writes and acknowledges. */
export interface TransactionJob {
  readonly records: readonly ProducerRecord[];
  readonly acks: Acks;
  readonly resolve: (reports: readonly DeliveryReport[]) => void;
  readonly reject: (error: unknown) => void;
  /** It has failed together with others: it is tried by itself. */
  isAlone: boolean;
}

/** A transaction of several jobs ends when this much is in it: records, and bytes. */
const mostRecords = 5_000;
const mostBytes = 4 * 1024 * 1024;
/** Topics that are remembered. */
const mostTopics = 10_000;

export class TransactionQueue {
  #waiting: TransactionJob[] = [];
  /** Sources of transactions that run. */
  readonly #busy = new Set<AckSource>();
  /** Topics that were written to: a job with another one, which Kafka may refuse or be slow to know, goes by itself. */
  readonly #proven = new Set<string>();

  add(job: TransactionJob): void {
    this.#waiting.push(job);
  }

  /** @returns whether it was still waiting */
  remove(job: TransactionJob): boolean {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    return index >= 0;
  }

  /** Tries each by itself, before others. */
  separate(jobs: readonly TransactionJob[]): void {
    for (const job of jobs) job.isAlone = true;
    this.#waiting.unshift(...jobs);
  }

  /** The jobs of the next transaction, in the order in which they came; none: what waits has to wait for one that runs. */
  next(): TransactionJob[] {
    const jobs: TransactionJob[] = [];
    const sources = new Set<AckSource>();
    let [records, bytes] = [0, 0];
    for (const job of this.#waiting) {
      const mine = [...job.acks.keys()];
      if (mine.some((source) => this.#busy.has(source) || (sources.has(source) && !source.isShared))) continue;
      const joins = !job.isAlone && this.#isProven(job);
      if (jobs.length > 0 && !joins) continue;
      jobs.push(job);
      for (const source of mine) sources.add(source);
      records += job.records.length;
      bytes += bytesOf(job);
      if (!joins || records >= mostRecords || bytes >= mostBytes) break;
    }
    if (jobs.length === 0) return jobs;
    const taken = new Set(jobs);
    this.#waiting = this.#waiting.filter((job) => !taken.has(job));
    for (const source of sources) this.#busy.add(source);
    return jobs;
  }

  /** A transaction of these jobs has ended. */
  ended(jobs: readonly TransactionJob[], isCommitted: boolean): void {
    for (const { acks, records } of jobs) {
      for (const source of acks.keys()) this.#busy.delete(source);
      for (const { topic } of records) {
        if (!isCommitted) this.#proven.delete(topic);
        else if (this.#proven.size < mostTopics) this.#proven.add(topic);
      }
    }
  }

  #isProven({ records }: TransactionJob): boolean {
    return records.every(({ topic }) => this.#proven.has(topic));
  }
}

const bytesOf = ({ records }: TransactionJob): number =>
  records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
