// ExecTransaction: what one EXEC writes and acknowledges, gathered from its commands and given to Kafka at its end, all or nothing.
import type { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { DeliveryReport, ProducerRecord, TopicPartitionOffset } from '../../core/ports.js';
import { KafkaError } from '../../core/ports.js';
import { checkTopicName } from '../../core/topics/topic-name.js';
import { fail, GatewayError } from '../../errors.js';
import type { Context, Gateway, Transaction } from './context.js';

interface Written {
  readonly record: ProducerRecord;
  readonly resolve: (report: DeliveryReport) => void;
  readonly reject: (error: unknown) => void;
}

export class ExecTransaction implements Transaction {
  readonly #ctx: Context;
  readonly #written: Written[] = [];
  readonly #acks = new Map<ConsumerSession, TopicPartitionOffset[]>();
  readonly #settled: (() => void)[] = [];
  #refusal: string | undefined;
  #onHeld: () => void = () => {};

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** Resolves when the command that runs has given something to the transaction: it answers at the transaction's end. */
  get held(): Promise<void> {
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  /** Adds a record; settles with its report when the transaction is committed, and never where it is not. @throws GatewayError `topic-invalid`, `topic-internal` */
  send(record: ProducerRecord): Promise<DeliveryReport> {
    checkTopicName(record.topic, this.#ctx.server.settings.allowInternalTopics);
    return new Promise((resolve, reject) => {
      this.#written.push({ record, resolve, reject });
      this.#onHeld();
    });
  }

  /** Adds acks of a consumer's messages; settles when the transaction is committed. */
  acknowledge(session: ConsumerSession, acks: readonly TopicPartitionOffset[]): Promise<void> {
    const known = this.#acks.get(session) ?? [];
    this.#acks.set(session, [...known, ...acks]);
    return new Promise((resolve) => {
      this.#settled.push(resolve);
      this.#onHeld();
    });
  }

  /** A command that writes or acknowledges was refused: the others must not go without it. */
  refuse(text: string): void {
    this.#refusal ??= text;
  }

  /** @throws GatewayError `exec-aborted`: nothing is in Kafka; `transaction-unconfirmed` */
  async end(): Promise<void> {
    if (this.#written.length === 0 && this.#acks.size === 0) return;
    if (this.#refusal !== undefined) throw fail('exec-aborted', this.#refusal);
    try {
      await this.#end();
    } catch (error) {
      if (error instanceof GatewayError && !ofItsOwn.has(error.code)) throw aborted(error);
      throw error instanceof KafkaError ? aborted(error) : error;
    }
    for (const settle of this.#settled) settle();
  }

  async #end(): Promise<void> {
    const { sessions, server } = this.#ctx;
    const { gateway } = server;
    // Other connections' readers see them in the order in which this client has sent them.
    await sessions.settle(gateway.settings.produceTimeoutMs);
    for (const { record } of this.#written) gateway.catalog.produced(record.topic);
    const alone = this.#acks.size === 0 && this.#written.length === 1;
    if (gateway.transactions && !alone) await this.#commit(gateway.transactions);
    else await this.#inOrder();
  }

  async #commit(transactions: NonNullable<Gateway['transactions']>): Promise<void> {
    const records = this.#written.map(({ record }) => record);
    const reports = await transactions.run(records, this.#acks);
    for (const [index, { resolve }] of this.#written.entries()) resolve(reports[index]!);
  }

  /** Without a transaction: acks are taken when Kafka has all of the records. */
  async #inOrder(): Promise<void> {
    const producer = this.#ctx.sessions.deliveringProducer();
    const isAlone = this.#acks.size === 0;
    const sent = this.#written.map(async ({ record, resolve, reject }) => {
      const sending = producer.send(record);
      if (isAlone) return sending.then(resolve, reject);
      const report = await sending;
      if (report.error) throw new KafkaError(report.error);
      resolve(report);
    });
    await Promise.all(sent);
    for (const [session, acks] of this.#acks)
      for (const { topic, partition, offset } of acks) await session.ack(topic, partition, offset);
  }
}

/** Errors that say themselves what has become of the transaction. */
const ofItsOwn: ReadonlySet<string> = new Set(['exec-aborted', 'transaction-unconfirmed']);

const aborted = (error: Error): GatewayError => new GatewayError('exec-aborted', [error.message], { cause: error });
