// The relay among others: foreign transactions that stay open, records that the target refuses, frozen brokers, kills; then every message is counted.
//
// node build/test/campaign/relay-foreign.js [--minutes 10]    one relay of one topic, random events
// node build/test/campaign/relay-foreign.js --pair [--rounds 8]   two relays of ten topics each to one target, all killed (-9) again and again
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { KafkaFactory } from '../../src/core/ports.js';
import {
  makeTopic,
  openTransaction,
  type RealCluster,
  startClusters,
  stopClusters,
} from '../support/relay-clusters.js';
import { fill, readAll, until } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';
import { Load } from './relay-chaos.js';

const partitions = 4;
const checkpoints = 'rafka-relay-checkpoints';
/** What the target takes, bytes: less than a refused record has, compressed. */
const limit = { 'max.message.bytes': '20000' };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Verdict {
  readonly messages: number;
  readonly gaps: number;
  readonly duplicates: number;
  /** Messages of open transactions, or refused ones, that were copied. */
  readonly strangers: number;
  readonly events: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** What a target topic lacks and has twice, of the numbers from 0. */
async function count(kafka: KafkaFactory, topic: string, messages: number) {
  const values = (await readAll(kafka, topic)).flat().map(({ value }) => value?.toString() ?? '');
  const numbers = values.filter((value) => /^\d{1,12}$/.test(value));
  const seen = new Set(numbers).size;
  return { gaps: messages - seen, duplicates: numbers.length - seen, strangers: values.length - numbers.length };
}

class Stage {
  readonly events: Record<string, number> = {};
  readonly target: RealCluster;
  readonly source: RealCluster;
  readonly #toml: string;
  readonly #random: () => number;
  relay: RelayProcess | undefined;

  constructor([target, source]: RealCluster[], toml: string, random: () => number) {
    this.target = target!;
    this.source = source!;
    this.#toml = toml;
    this.#random = random;
  }

  async start(args: readonly string[] = []): Promise<RelayProcess> {
    this.relay = await RelayProcess.start(this.#toml, args);
    return this.relay;
  }

  async kill(): Promise<void> {
    this.relay?.kill('SIGKILL');
    await this.relay?.exited;
    await this.start();
  }

  /** One event at random. @returns its name */
  async strike(): Promise<string> {
    const strikes: Readonly<Record<string, () => Promise<unknown>>> = {
      'relay SIGKILL': () => this.kill(),
      'relay frozen': () => this.#frozen(),
      'source frozen': () => this.#stopped(this.source),
      'target frozen': () => this.#stopped(this.target),
      'source SIGKILL': () => this.#killed(this.source),
      'target SIGKILL': () => this.#killed(this.target),
      'open transaction, checkpoints': () => this.#open(this.target, checkpoints),
      'open transaction, source': () => this.#open(this.source, 'events'),
      'refused record': () => this.#refused(),
    };
    const names = Object.keys(strikes);
    const name = names[Math.floor(this.#random() * names.length)]!;
    await strikes[name]!();
    this.events[name] = (this.events[name] ?? 0) + 1;
    return name;
  }

  /** Its transaction stays open meanwhile. */
  async #frozen(): Promise<void> {
    this.relay?.kill('SIGSTOP');
    await pause(this.#random() * 6_000);
    this.relay?.kill('SIGCONT');
  }

  async #stopped({ server }: RealCluster): Promise<void> {
    server.pause();
    await pause(this.#random() * 6_000);
    server.resume();
  }

  async #killed({ server }: RealCluster): Promise<void> {
    await server.kill9();
    await pause(this.#random() * 3_000);
    await server.restart();
  }

  /** Of a producer that is gone: the broker ends it. Half of the time the relay starts while it is open. */
  async #open({ kafka }: RealCluster, topic: string): Promise<void> {
    const producer = await openTransaction(kafka, topic, 8_000);
    await producer.close(0);
    await pause(this.#random() * 1_000);
    if (this.#random() < 0.5) await this.kill();
  }

  #refused(): Promise<void> {
    const partition = Math.floor(this.#random() * partitions);
    return fill(this.source.kafka, [{ topic: 'events', partition, key: null, value: randomBytes(40_000) }]);
  }
}

/** One relay of one topic among random events. */
export async function among(
  seconds: number,
  { perSecond = 1_000, random = Math.random, say = (_: string) => {} } = {},
): Promise<Verdict> {
  const clusters = await startClusters(2);
  const [target, source] = clusters as [RealCluster, RealCluster];
  const over = {
    topics: { events: 'events' },
    target: { compression: 'lz4', oversize: 'skip', transaction_timeout: '10s' },
  };
  const stage = new Stage(clusters, await relayToml([source.server.brokers], target.server.brokers, over), random);
  const began = performance.now();
  try {
    await makeTopic(source.kafka, 'events', partitions);
    await makeTopic(target.kafka, 'events', partitions, limit);
    await stage.start();
    let final: number | undefined;
    const load = new Load(source.kafka, perSecond, 'events');
    const loading = load.run(() => final);
    loading.catch(() => {});
    await until('the checkpoint topic', async () => (await target.kafka.admin.topics([checkpoints])).length === 1);
    while (performance.now() - began < seconds * 1_000) {
      await pause(500 + random() * 2_500);
      const what = await stage.strike().catch((error: Error) => `nothing: ${error.message}`);
      say(`${Math.round((performance.now() - began) / 1_000)} s: ${what}`);
    }
    final = load.written;
    await loading;
    stage.relay?.kill('SIGTERM');
    await stage.relay?.exited;
    const last = await stage.start(['--stop-at-end']);
    const code = await last.exited;
    if (code !== 0) throw new Error(`the last run ended with ${code}: ${JSON.stringify(last.lines.slice(-10))}`);
    return {
      messages: final,
      ...(await count(target.kafka, 'events', final)),
      events: stage.events,
      seconds: Math.round((performance.now() - began) / 1_000),
    };
  } finally {
    stage.relay?.kill('SIGKILL');
    await stopClusters(clusters);
  }
}

/** Two relays of ten topics each, into one target, both killed again and again. */
export async function pair(
  rounds: number,
  { topics = 10, perSecond = 100, random = Math.random, say = (_: string) => {} } = {},
): Promise<Verdict> {
  const clusters = await startClusters(2);
  const [target, source] = clusters as [RealCluster, RealCluster];
  const names = ['a', 'b'].map((relay) => Array.from({ length: topics }, (_, n) => `${relay}${n}`));
  const began = performance.now();
  let relays: RelayProcess[] = [];
  try {
    for (const name of names.flat())
      for (const { kafka } of clusters) await kafka.admin.createTopic({ name, partitions });
    const files = await Promise.all(
      names.map((list) =>
        relayToml([source.server.brokers], target.server.brokers, {
          topics: Object.fromEntries(list.map((name) => [name, name])),
          target: { transaction_timeout: '10s' },
        }),
      ),
    );
    const start = async (args: readonly string[] = []) => {
      relays = await Promise.all(files.map((toml) => RelayProcess.start(toml, args)));
    };
    let final: number | undefined;
    const loads = names.flat().map((name) => new Load(source.kafka, perSecond, name));
    const loading = Promise.all(loads.map((load) => load.run(() => final)));
    loading.catch(() => {});
    await start();
    for (let round = 1; round <= rounds; round++) {
      await until('both relays', () => relays.every((relay) => relay.line('reading') !== undefined), 120_000);
      await pause(500 + random() * 3_000);
      for (const relay of relays) relay.kill('SIGKILL');
      await Promise.all(relays.map(({ exited }) => exited));
      say(`${Math.round((performance.now() - began) / 1_000)} s: round ${round}`);
      await start();
    }
    final = Math.max(...loads.map(({ written }) => written));
    await loading;
    for (const relay of relays) relay.kill('SIGTERM');
    await Promise.all(relays.map(({ exited }) => exited));
    await start(['--stop-at-end']);
    const codes = await Promise.all(relays.map(({ exited }) => exited));
    if (codes.some((code) => code !== 0))
      throw new Error(`the last run ended with ${codes}: ${relays.map(({ output }) => output)}`);
    const sum = { gaps: 0, duplicates: 0, strangers: 0 };
    for (const name of names.flat()) {
      const found = await count(target.kafka, name, final);
      for (const key of ['gaps', 'duplicates', 'strangers'] as const) sum[key] += found[key];
    }
    const seconds = Math.round((performance.now() - began) / 1_000);
    return { messages: final * names.flat().length, ...sum, events: { 'both relays SIGKILL': rounds }, seconds };
  } finally {
    for (const relay of relays) relay.kill('SIGKILL');
    await stopClusters(clusters);
  }
}

async function byHand(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      pair: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '8' },
    },
  });
  const say = (text: string) => console.error(text);
  const verdict = values.pair
    ? await pair(Number(values.rounds), { say })
    : await among(Number(values.minutes) * 60, { say });
  console.log(JSON.stringify(verdict));
  if (verdict.gaps + verdict.duplicates + verdict.strangers > 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await byHand();
