// Exactly once through several stages: each worker pops, and writes and acknowledges in one EXEC, while gateways are killed and connections cut.
// Then each id must stand in the last topic once, in order of its key. Run: node build/test/campaign/exactly-once.js [--messages 100000] ...
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';

export interface ExactlyOnceOptions {
  readonly messages: number;
  readonly stages: number;
  /** Popped and written together, at most. */
  readonly batch: number;
  /** How often the gateway is killed (-9), and how often a worker's connection is cut. */
  readonly kills: number;
  readonly cuts: number;
  readonly say: (text: string) => void;
}

export interface ExactlyOnceResult {
  readonly messages: number;
  /** Ids that the last topic lacks, holds more than once, or holds behind a later one of their key. All must be 0. */
  readonly missing: number;
  readonly doubled: number;
  readonly disordered: number;
  readonly kills: number;
  readonly cuts: number;
  readonly transactions: number;
  readonly aborted: number;
  readonly seconds: number;
}

const keys = 16;
const partitions = 2;
const deadlineMs = 900_000;
const topicOf = (stage: number): string => `stage${stage}`;

/** What is wrong with a result; empty: nothing. */
export const failures = ({ missing, doubled, disordered }: ExactlyOnceResult): Record<string, number> =>
  Object.fromEntries(Object.entries({ missing, doubled, disordered }).filter(([, count]) => count > 0));

export async function runExactlyOnce(options: ExactlyOnceOptions): Promise<ExactlyOnceResult> {
  const server = await KafkaServer.start({ properties: { 'group.min.session.timeout.ms': '1000' } });
  const kafka = await openKafka(server.brokers);
  const config = {
    general: { 'bootstrap.servers': server.brokers },
    consumer: { 'auto.offset.reset': 'earliest', 'session.timeout.ms': 2_000, 'heartbeat.interval.ms': 500 },
  };
  const gateway = await GatewayProcess.start({ config });
  try {
    for (let stage = 0; stage <= options.stages; stage++) await makeTopic(kafka, topicOf(stage), partitions);
    await produce(gateway.port, options.messages);
    return await new Campaign(options, gateway, kafka).run();
  } finally {
    await gateway.stop();
    await kafka.close();
    await server.stop();
  }
}

async function produce(port: number, messages: number): Promise<void> {
  const client = await connect(port);
  for (let from = 0; from < messages; from += 1_000) {
    const pipeline = client.pipeline();
    for (let n = from; n < Math.min(messages, from + 1_000); n++)
      pipeline.call('RPUSHX', `topics:${topicOf(0)}:k${n % keys}`, `k${n % keys}-${n}`);
    await pipeline.exec();
  }
  const left = await client.call('DUMP', '30000');
  client.disconnect();
  if (left !== 0) throw new Error(`${left} messages were not produced`);
}

class Campaign {
  readonly #options: ExactlyOnceOptions;
  readonly #gateway: GatewayProcess;
  readonly #kafka: KafkaFactory;
  readonly #clients = new Set<Redis>();
  readonly #written: number[];
  #transactions = 0;
  #aborted = 0;
  #over = false;

  constructor(options: ExactlyOnceOptions, gateway: GatewayProcess, kafka: KafkaFactory) {
    this.#options = options;
    this.#gateway = gateway;
    this.#kafka = kafka;
    this.#written = Array.from({ length: options.stages + 1 }, () => 0);
  }

  async run(): Promise<ExactlyOnceResult> {
    const { messages, stages, kills, cuts } = this.#options;
    const startedAt = Date.now();
    const audit = new Audit(this.#kafka, topicOf(stages), messages);
    const workers = Array.from({ length: stages }, (_, stage) => this.#work(stage));
    const trouble = this.#trouble();
    try {
      await audit.run(() => startedAt + deadlineMs < Date.now());
    } finally {
      this.#over = true;
      for (const client of this.#clients) client.disconnect();
      await Promise.all([...workers, trouble]);
    }
    const [transactions, aborted] = [this.#transactions, this.#aborted];
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    return { messages, ...audit.verdict(), kills, cuts, transactions, aborted, seconds };
  }

  /** One stage's worker: whatever goes wrong, it connects again and begins with the next pop. */
  async #work(stage: number): Promise<void> {
    while (!this.#over) {
      try {
        const client = await connect(this.#gateway.port, `stage-${stage}:worker`);
        this.#clients.add(client);
        try {
          while (!this.#over) await this.#step(client, stage);
        } finally {
          this.#clients.delete(client);
          client.disconnect();
        }
      } catch {
        await sleep(50);
      }
    }
  }

  async #step(client: Redis, stage: number): Promise<void> {
    const popped = await this.#pop(client, `topics:${topicOf(stage)}`);
    if (popped.length === 0) return;
    const multi = client.multi();
    for (const { value } of popped)
      multi.call('RPUSHX', `topics:${topicOf(stage + 1)}:${value.slice(0, value.indexOf('-'))}`, value);
    multi.call('RPUSH', 'acks', ...popped.map(({ place }) => place));
    try {
      const replies = await multi.exec();
      for (const [error] of replies ?? []) if (error) throw error;
      this.#transactions += 1;
      this.#written[stage + 1]! += popped.length;
    } catch (error) {
      this.#aborted += 1;
      this.#options.say(`stage ${stage}: ${(error as Error).message}`);
      throw error;
    }
  }

  async #pop(client: Redis, key: string): Promise<{ value: string; place: string }[]> {
    const first = (await client.call('BLPOP', key, '2')) as unknown[] | null;
    if (!first) return [];
    const pipeline = client.pipeline();
    for (let n = 1; n < this.#options.batch; n++) pipeline.call('BLPOP', key, '0.001');
    const others = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
      if (error) throw error;
      return reply as unknown[] | null;
    });
    return [first, ...others].flatMap((reply) =>
      reply ? [{ value: String(reply[7]), place: `${reply[1]}:${reply[3]}:${reply[5]}` }] : [],
    );
  }

  /** Each event when the last stage has come so far. */
  async #trouble(): Promise<void> {
    const { kills, cuts, messages, say } = this.#options;
    const events = [...new Array<string>(kills).fill('kill'), ...new Array<string>(cuts).fill('cut')];
    for (const [index, event] of shuffled(events).entries()) {
      const from = (messages * (index + 0.5)) / (events.length + 1);
      while (!this.#over && this.#written.at(-1)! < from) await sleep(5);
      if (this.#over) return;
      say(`${event} at ${this.#written.at(-1)}`);
      if (event === 'cut') for (const client of this.#clients) client.disconnect();
      else {
        await this.#gateway.end('SIGKILL');
        await this.#gateway.run();
      }
    }
  }
}

/** The last topic as a reader of committed messages sees it. */
class Audit {
  readonly #kafka: KafkaFactory;
  readonly #topic: string;
  readonly #messages: number;
  readonly #counts = new Map<string, number>();
  readonly #last = new Map<string, number>();
  #disordered = 0;

  constructor(kafka: KafkaFactory, topic: string, messages: number) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#messages = messages;
  }

  /** Reads until every id was seen and nothing more comes. */
  async run(isLate: () => boolean): Promise<void> {
    const properties = { 'isolation.level': 'read_committed', 'auto.offset.reset': 'earliest' };
    const consumer = await this.#kafka.consumer({ properties }, 10_000);
    try {
      consumer.assign(
        Array.from({ length: partitions }, (_, partition) => ({ topic: this.#topic, partition, offset: 0 })),
      );
      for (let isLast = false; !isLate(); ) {
        const messages = await consumer.poll(1_000, 1_000);
        for (const message of messages) this.#note(message);
        if (isLast && messages.length === 0) return;
        isLast = this.#counts.size >= this.#messages;
      }
    } finally {
      await consumer.close(5_000);
    }
  }

  verdict(): Pick<ExactlyOnceResult, 'missing' | 'doubled' | 'disordered'> {
    const doubled = [...this.#counts.values()].filter((count) => count > 1).length;
    return { missing: this.#messages - this.#counts.size, doubled, disordered: this.#disordered };
  }

  #note({ value }: Message): void {
    const id = String(value);
    const [key, number] = id.split('-');
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    if (Number(number) < (this.#last.get(key!) ?? -1)) this.#disordered += 1;
    this.#last.set(key!, Number(number));
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000' },
      stages: { type: 'string', default: '3' },
      batch: { type: 'string', default: '100' },
      kills: { type: 'string', default: '5' },
      cuts: { type: 'string', default: '10' },
    },
  });
  const result = await runExactlyOnce({
    messages: Number(values.messages),
    stages: Number(values.stages),
    batch: Number(values.batch),
    kills: Number(values.kills),
    cuts: Number(values.cuts),
    say: (text) => console.error(text),
  });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = Object.keys(failures(result)).length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) await main();
