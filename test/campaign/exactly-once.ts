// Exactly once through several stages: each worker, a process, pops, and writes and acknowledges in one EXEC, while gateway, workers and broker are
// killed and connections cut.
// Then each id must stand in the last topic once, in order of its key. Run: node build/test/campaign/exactly-once.js [--messages 100000] ...
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { redisPyPath } from '../support/needs.js';
import { connect } from '../support/redis-client.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';

export interface ExactlyOnceOptions {
  readonly messages: number;
  readonly stages: number;
  /** Popped and written together, at most. */
  readonly batch: number;
  /** What the workers are written with. */
  readonly client: 'ioredis' | 'redis-py';
  /** How often the gateway is killed (-9), and how often the workers' connections are cut. */
  readonly kills: number;
  readonly cuts: number;
  /** How many brokers, each with all of the data; 1 by default. */
  readonly brokers?: number;
  /** How often a worker, and a broker, is killed (-9). */
  readonly workerKills: number;
  readonly brokerKills: number;
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
  readonly workerKills: number;
  readonly brokerKills: number;
  /** Answered to their worker, and not. */
  readonly transactions: number;
  readonly aborted: number;
  readonly seconds: number;
}

const keys = 16;
const partitions = 2;
const deadlineMs = 1_800_000;
const repository = join(import.meta.dirname, '../../..');

type Event = 'gateway' | 'cut' | 'worker' | 'broker';

const topicOf = (stage: number): string => `stage${stage}`;

/** What is wrong with a result; empty: nothing. */
export const failures = ({ missing, doubled, disordered }: ExactlyOnceResult): Record<string, number> =>
  Object.fromEntries(Object.entries({ missing, doubled, disordered }).filter(([, count]) => count > 0));

export async function runExactlyOnce(options: ExactlyOnceOptions): Promise<ExactlyOnceResult> {
  const { brokers: nodes = 1 } = options;
  const server = await KafkaServer.start({ nodes, properties: { 'group.min.session.timeout.ms': '1000' } });
  const kafka = await openKafka(server.brokers);
  const config = {
    general: { 'bootstrap.servers': server.brokers },
    consumer: { 'auto.offset.reset': 'earliest', 'session.timeout.ms': 2_000, 'heartbeat.interval.ms': 500 },
  };
  const gateway = await GatewayProcess.start({ config });
  try {
    for (let stage = 0; stage <= options.stages; stage++) await makeTopic(kafka, topicOf(stage), partitions);
    await produce(gateway.port, options.messages);
    return await new Campaign(options, gateway, server, kafka).run();
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

/** A stage's worker: a process that is started again when it is killed. */
class Worker {
  readonly #command: readonly string[];
  readonly #onLine: (line: string) => void;
  #process: ChildProcess | undefined;
  #isOver = false;

  constructor(command: readonly string[], onLine: (line: string) => void) {
    this.#command = command;
    this.#onLine = onLine;
    this.#start();
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    if (this.#process?.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.kill();
    await ended;
  }

  #start(): void {
    const [program, ...args] = this.#command;
    const child = spawn(program!, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONPATH: redisPyPath(8) },
    });
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', this.#onLine);
    child.once('exit', () => {
      if (!this.#isOver) this.#start();
    });
  }
}

class Campaign {
  readonly #options: ExactlyOnceOptions;
  readonly #gateway: GatewayProcess;
  readonly #server: KafkaServer;
  readonly #audit: Audit;
  readonly #workers: Worker[];
  #transactions = 0;
  #aborted = 0;
  #over = false;

  constructor(options: ExactlyOnceOptions, gateway: GatewayProcess, server: KafkaServer, kafka: KafkaFactory) {
    this.#options = options;
    this.#gateway = gateway;
    this.#server = server;
    this.#audit = new Audit(kafka, topicOf(options.stages), options.messages);
    this.#workers = Array.from({ length: options.stages }, (_, stage) => this.#worker(stage));
  }

  async run(): Promise<ExactlyOnceResult> {
    const { messages, kills, cuts, workerKills, brokerKills } = this.#options;
    const startedAt = Date.now();
    const trouble = this.#trouble();
    try {
      await this.#audit.run(() => startedAt + deadlineMs < Date.now());
    } finally {
      this.#over = true;
      await Promise.all([trouble, ...this.#workers.map((worker) => worker.stop())]);
    }
    const [transactions, aborted] = [this.#transactions, this.#aborted];
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    const events = { kills, cuts, workerKills, brokerKills };
    return { messages, ...this.#audit.verdict(), ...events, transactions, aborted, seconds };
  }

  #worker(stage: number): Worker {
    const { client, batch } = this.#options;
    const args = [this.#gateway.port, stage, batch].map(String);
    const command =
      client === 'ioredis'
        ? [process.execPath, join(import.meta.dirname, 'exactly-once-worker.js'), ...args]
        : ['python3', join(repository, 'test/campaign/exactly-once-worker.py'), ...args];
    return new Worker(command, (line) => {
      if (line.startsWith('+')) this.#transactions += 1;
      else {
        this.#aborted += 1;
        this.#options.say(`stage ${stage}: ${line}`);
      }
    });
  }

  /** Each event when the last stage has come so far. */
  async #trouble(): Promise<void> {
    const { kills, cuts, workerKills, brokerKills, messages, say } = this.#options;
    const of = (name: Event, count: number): Event[] => new Array<Event>(count).fill(name);
    const events = shuffled([
      ...of('gateway', kills),
      ...of('cut', cuts),
      ...of('worker', workerKills),
      ...of('broker', brokerKills),
    ]);
    for (const [index, event] of events.entries()) {
      const from = (messages * (index + 0.5)) / (events.length + 1);
      while (!this.#over && this.#audit.seen < from) await sleep(5);
      if (this.#over) return;
      say(`${event} at ${this.#audit.seen}`);
      await this.#cause(event, index);
    }
  }

  async #cause(event: Event, index: number): Promise<void> {
    if (event === 'worker') this.#workers[index % this.#workers.length]!.kill();
    else if (event === 'gateway') {
      await this.#gateway.end('SIGKILL');
      await this.#gateway.run();
    } else if (event === 'broker') {
      const node = index % this.#server.nodeCount;
      await this.#server.kill9(node);
      await this.#server.restart(node);
    } else {
      const client = await connect(this.#gateway.port);
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      client.disconnect();
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

  /** Ids so far. */
  get seen(): number {
    return this.#counts.size;
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
      client: { type: 'string', default: 'ioredis' },
      brokers: { type: 'string', default: '1' },
      kills: { type: 'string', default: '5' },
      cuts: { type: 'string', default: '5' },
      workerKills: { type: 'string', default: '10' },
      brokerKills: { type: 'string', default: '3' },
    },
  });
  const result = await runExactlyOnce({
    messages: Number(values.messages),
    stages: Number(values.stages),
    batch: Number(values.batch),
    brokers: Number(values.brokers),
    kills: Number(values.kills),
    client: values.client === 'redis-py' ? 'redis-py' : 'ioredis',
    cuts: Number(values.cuts),
    workerKills: Number(values.workerKills),
    brokerKills: Number(values.brokerKills),
    say: (text) => console.error(text),
  });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = Object.keys(failures(result)).length === 0 ? 0 : 1;
}

if (process.argv[1] === import.meta.filename) await main();
