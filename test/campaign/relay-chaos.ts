// The relay under random kills: of itself, of its sources and of its target, under load; then every message is counted.
//
// node build/test/campaign/relay-chaos.js [--minutes 10]      random SIGKILL and SIGTERM of everybody
// node build/test/campaign/relay-chaos.js --failover [--kills 10]  only the active source is killed, at chosen points
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { KafkaCode, KafkaError, type KafkaFactory, type Producer } from '../../src/core/ports.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import { readAll, until } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

const partitions = 4;
const topic = 'events';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface Verdict {
  readonly messages: number;
  readonly gaps: number;
  readonly duplicates: number;
  /** Messages that stand behind a later one of their partition. */
  readonly disorder: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Writes the same numbered messages to a source, whatever happens to it. */
export class Load {
  written = 0;
  readonly #kafka: KafkaFactory;
  readonly #perSecond: number;
  readonly #topic: string;

  constructor(kafka: KafkaFactory, perSecond: number, to = topic) {
    this.#topic = to;
    this.#kafka = kafka;
    this.#perSecond = perSecond;
  }

  /** @returns when everything up to the number that finish() gave is delivered */
  async run(finish: () => number | undefined): Promise<void> {
    const properties = { 'enable.idempotence': true, 'message.timeout.ms': 0, 'linger.ms': 5 };
    const failed: string[] = [];
    const producer = await this.#kafka.producer(
      { reports: 'errors', properties, onReport: ({ error }) => failed.push(error?.message ?? '') },
      30_000,
    );
    try {
      while (this.written < (finish() ?? Number.POSITIVE_INFINITY)) {
        const until = Math.min(this.written + this.#perSecond / 20, finish() ?? Number.POSITIVE_INFINITY);
        while (this.written < until && this.#produced(producer)) this.written += 1;
        await pause(50);
      }
      if (!(await producer.flush(60_000)) || failed.length > 0)
        throw new Error(`load was lost: ${failed[0] ?? 'not flushed'}`);
    } finally {
      await producer.close(1_000);
    }
  }

  #produced(producer: Producer): boolean {
    const n = this.written;
    try {
      const record = {
        topic: this.#topic,
        partition: n % partitions,
        key: Buffer.from(`k${n % 100}`),
        value: Buffer.from(String(n)),
      };
      producer.produce(record);
      return true;
    } catch (error) {
      if (error instanceof KafkaError && error.code === KafkaCode.queueFull) return false;
      throw error;
    }
  }
}

/** Two identical sources under load, one target, and a relay process that is started again whenever it ends. */
class Stage {
  readonly sources: RealCluster[];
  readonly target: RealCluster;
  readonly kills: Record<string, number> = {};
  relay: RelayProcess | undefined;
  readonly #toml: string;
  readonly #loads: Load[];
  #final: number | undefined;
  #loading: Promise<unknown> = Promise.resolve();

  private constructor(clusters: RealCluster[], toml: string, perSecond: number) {
    [this.target] = clusters as [RealCluster];
    this.sources = clusters.slice(1);
    this.#toml = toml;
    this.#loads = this.sources.map(({ kafka }) => new Load(kafka, perSecond));
  }

  static async build(perSecond: number): Promise<Stage> {
    const clusters = await startClusters(3);
    await Promise.all(clusters.map(({ kafka }) => makeTopic(kafka, topic, partitions)));
    const [target, ...sources] = clusters.map(({ server }) => server.brokers) as [string, ...string[]];
    return new Stage(clusters, await relayToml(sources, target, { topics: { [topic]: topic } }), perSecond);
  }

  async startRelay(args: readonly string[] = []): Promise<RelayProcess> {
    this.relay = await RelayProcess.start(this.#toml, ['--mode', 'failover', ...args]);
    return this.relay;
  }

  startLoad(): void {
    this.#loading = Promise.all(this.#loads.map((load) => load.run(() => this.#final)));
    this.#loading.catch(() => {});
  }

  count(what: string): void {
    this.kills[what] = (this.kills[what] ?? 0) + 1;
  }

  /** Ends the load at the same number everywhere, lets the relay copy the rest and counts. */
  async verdict(began: number): Promise<Verdict> {
    this.#final = Math.max(...this.#loads.map(({ written }) => written));
    await this.#loading;
    this.relay?.kill('SIGTERM');
    await this.relay?.exited;
    const last = await this.startRelay(['--stop-at-end']);
    const code = await last.exited;
    if (code !== 0)
      throw new Error(`the last run ended with ${code}: ${last.output} ${JSON.stringify(last.lines.slice(-10))}`);
    const copied = await readAll(this.target.kafka, topic);
    const seen = new Map<number, number>();
    let disorder = 0;
    for (const messages of copied) {
      let before = -1;
      for (const { value } of messages) {
        const n = Number(value?.toString());
        seen.set(n, (seen.get(n) ?? 0) + 1);
        if (n < before) disorder += 1;
        before = n;
      }
    }
    const total = copied.flat().length;
    return {
      messages: this.#final,
      gaps: this.#final - seen.size,
      duplicates: total - seen.size,
      disorder,
      kills: this.kills,
      seconds: Math.round((performance.now() - began) / 1_000),
    };
  }

  async end(): Promise<void> {
    this.relay?.kill('SIGKILL');
    await stopClusters([this.target, ...this.sources]);
  }
}

/** Random kills of everybody for a while. */
export async function chaos(
  seconds: number,
  options: { perSecond?: number; random?: () => number; say?: (text: string) => void } = {},
): Promise<Verdict> {
  const { perSecond = 2_000, random = Math.random, say = () => {} } = options;
  const stage = await Stage.build(perSecond);
  const began = performance.now();
  try {
    await stage.startRelay();
    stage.startLoad();
    while (performance.now() - began < seconds * 1_000) {
      await pause(500 + random() * 3_500);
      const what = await strike(stage, random);
      say(`${Math.round((performance.now() - began) / 1_000)} s: ${what}`);
    }
    return await stage.verdict(began);
  } finally {
    await stage.end();
  }
}

/** One blow: half of them against the relay, the rest against a broker, which comes back after a moment. */
async function strike(stage: Stage, random: () => number): Promise<string> {
  const hard = random() < 0.5;
  const signal = hard ? 'SIGKILL' : 'SIGTERM';
  const pick = Math.floor(random() * 6);
  if (pick < 3) {
    stage.relay?.kill(signal);
    await stage.relay?.exited;
    await pause(random() * 300);
    await stage.startRelay();
    stage.count(`relay ${signal}`);
    return `relay ${signal}`;
  }
  const [name, cluster] =
    pick === 5 ? (['target', stage.target] as const) : ([`source ${pick - 2}`, stage.sources[pick - 3]!] as const);
  await (hard ? cluster.server.kill9() : cluster.server.halt());
  await pause(random() * 4_000);
  await cluster.server.restart();
  stage.count(`${name} ${signal}`);
  return `${name} ${signal}`;
}

/** What of the relay's way each kill of the active source falls into: ms after its first message from that source. */
const points = [0, 5, 20, 50, 100, 150, 250, 400, 700, 1_200];

/** Kills the active source again and again, each time at another point. */
export async function failover(
  kills: number,
  options: { perSecond?: number; say?: (text: string) => void } = {},
): Promise<Verdict> {
  const { perSecond = 4_000, say = () => {} } = options;
  const stage = await Stage.build(perSecond);
  const began = performance.now();
  try {
    const relay = await stage.startRelay();
    stage.startLoad();
    for (let kill = 0; kill < kills; kill++) {
      const reading = (): number => relay.lines.findLast(({ msg }) => msg === 'reading')?.server as number;
      await until('a reader', () => reading() !== undefined);
      await pause(points[kill % points.length]!);
      const active = reading();
      const killed = performance.now();
      const count = relay.lines.filter(({ msg }) => msg === 'reading').length;
      await stage.sources[active]!.server.kill9();
      await until('the other source', () => relay.lines.filter(({ msg }) => msg === 'reading').length > count, 60_000);
      say(
        `source ${active} killed after ${points[kill % points.length]} ms, the next one read ${Math.round(performance.now() - killed)} ms later`,
      );
      stage.count('active source SIGKILL');
      await stage.sources[active]!.server.restart();
    }
    return await stage.verdict(began);
  } finally {
    await stage.end();
  }
}

async function byHand(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      failover: { type: 'boolean', default: false },
      kills: { type: 'string', default: '10' },
    },
  });
  const say = (text: string) => console.error(text);
  const verdict = values.failover
    ? await failover(Number(values.kills), { say })
    : await chaos(Number(values.minutes) * 60, { say });
  console.log(JSON.stringify(verdict));
  if (verdict.gaps + verdict.duplicates + verdict.disorder > 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await byHand();
