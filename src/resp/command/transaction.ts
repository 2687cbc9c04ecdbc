// ExecTransaction: what one EXEC writes and acknowledges, gathered from its commands and given to Kafka at its end, all or nothing.
import { ConsumerSession } from '../../core/consume/consumer-session.js';
import type { Acks, DeliveryReport, Message, ProducerRecord, TopicPartitionOffset } from '../../core/ports.js';
import { KafkaError } from '../../core/ports.js';
import { checkTopicName } from '../../core/topics/topic-name.js';
import { fail, GatewayError } from '../../errors.js';
import type { Context, EntryAcks, Gateway, Transaction } from './context.js';
import { type Acknowledging, TransactionAcks } from './transaction-acks.js';

interface Written {
  readonly record: ProducerRecord;
  readonly resolve: (report: DeliveryReport) => void;
  readonly reject: (error: unknown) => void;
}

export class ExecTransaction implements Transaction {
  readonly #ctx: Context;
  readonly #written: Written[] = [];
  readonly #acks = new TransactionAcks();
  readonly #took = new Map<ConsumerSession, Message[]>();
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
    const { written } = this.#ctx.server.gateway.catalog;
    return new Promise((settle, reject) => {
      const resolve = (report: DeliveryReport): void => {
        if (!report.error) written.note(report);
        settle(report);
      };
      this.#written.push({ record, resolve, reject });
      this.#onHeld();
    });
  }

  acknowledge(session: ConsumerSession, acks: readonly TopicPartitionOffset[]): Promise<void> {
    const acknowledged = this.#acks.add(session, acks);
    this.#onHeld();
    return acknowledged;
  }

  acknowledgeEntries(acks: EntryAcks): Promise<number> {
    const acknowledged = this.#acks.addEntries(acks);
    this.#onHeld();
    return acknowledged;
  }

  pops(): void {
    this.#acks.aside ??= this.#ctx.sessions.streams.setAside();
  }

  took(session: ConsumerSession, message: Message): void {
    this.#took.set(session, [...(this.#took.get(session) ?? []), message]);
  }

  /** A command that writes or acknowledges was refused: the others must not go without it. */
  refuse(text: string): void {
    this.#refusal ??= text;
  }

  /** @throws GatewayError `exec-aborted`: nothing is in Kafka; `transaction-unconfirmed` */
  async end(): Promise<void> {
    try {
      if (this.#written.length === 0 && this.#acks.isEmpty) return;
      if (this.#refusal !== undefined) throw fail('exec-aborted', this.#refusal);
      await this.#end();
      await this.#acks.committed();
    } catch (error) {
      const failure = failureOf(error);
      const isUnknown = failure instanceof GatewayError && failure.code === 'transaction-unconfirmed';
      this.#acks.aside?.end(isUnknown ? 'unknown' : 'aborted');
      if (!isUnknown) for (const [session, messages] of this.#took) session.putBack(messages);
      throw failure;
    }
  }

  async #end(): Promise<void> {
    const { sessions, server } = this.#ctx;
    const { gateway } = server;
    // Other connections' readers see them in the order in which this client has sent them.
    await sessions.settle(gateway.settings.produceTimeoutMs);
    for (const { record } of this.#written) gateway.catalog.produced(record.topic);
    const acks = this.#acks.collect(this.#ctx, this.#written.length > 0);
    if (acks.size === 0 && this.#written.length === 0) return;
    const alone = acks.size === 0 && this.#written.length === 1;
    if (gateway.transactions && !alone) await this.#commit(gateway.transactions, acks);
    else await this.#inOrder(acks);
  }

  async #commit(transactions: NonNullable<Gateway['transactions']>, acks: Acks): Promise<void> {
    const records = this.#written.map(({ record }) => record);
    const reports = await transactions.run(records, acks);
    for (const [index, { resolve }] of this.#written.entries()) resolve(reports[index]!);
  }

  /** Without a transaction: acks are taken when Kafka has all of the records. */
  async #inOrder(acks: ReadonlyMap<Acknowledging, readonly TopicPartitionOffset[]>): Promise<void> {
    if (this.#written.length > 0) await this.#writeInOrder(acks.size === 0);
    for (const [source, mine] of acks) for (const ack of mine) await acknowledge(source, ack);
  }

  async #writeInOrder(isAlone: boolean): Promise<void> {
    const producer = this.#ctx.sessions.deliveringProducer();
    const sent = this.#written.map(async ({ record, resolve, reject }) => {
      const sending = producer.send(record);
      if (isAlone) return sending.then(resolve, reject);
      const report = await sending;
      if (report.error) throw new KafkaError(report.error);
      resolve(report);
    });
    await Promise.all(sent);
  }
}

function acknowledge(source: Acknowledging, { topic, partition, offset }: TopicPartitionOffset): unknown {
  return source instanceof ConsumerSession ? source.ack(topic, partition, offset) : source.ack(partition, offset);
}

function failureOf(error: unknown): unknown {
  if (error instanceof GatewayError) return ofItsOwn.has(error.code) ? error : aborted(error);
  return error instanceof KafkaError ? aborted(error) : error;
}

/** Errors that say themselves what has become of the transaction. */
const ofItsOwn: ReadonlySet<string> = new Set(['exec-aborted', 'transaction-unconfirmed']);

const aborted = (error: Error): GatewayError => new GatewayError('exec-aborted', [error.message], { cause: error });
