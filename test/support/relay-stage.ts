// Shared by the relay's tests on real brokers: the clusters of one file, and for each test its own topics between them.
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import type { KafkaFactory } from '../../src/core/ports.js';
import type { RelayFlags } from '../../src/relay/config/config.js';
import { whyNoKafka } from './kafka-server.js';
import { met } from './needs.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from './relay-clusters.js';
import { ended, fill, numbered, readAll, relayConfig, type Started, startRelay, valuesOf } from './relay-lab.js';
import { relayToml } from './relay-process.js';

type Table = Record<string, unknown>;

export interface Shape {
  readonly partitions?: number;
  /** 0: the target topic does not exist. Default: as many as the source has. */
  readonly targetPartitions?: number;
  /** Settings of the source topics. */
  readonly config?: Readonly<Record<string, string>>;
}

/** One test's topics: `a` in every source, `b` in the target. */
class Stage {
  readonly a: string;
  readonly b: string;
  readonly sources: readonly RealCluster[];
  readonly targetCluster: RealCluster;
  readonly #onStart: (started: Started) => void;

  constructor(
    n: number,
    sources: readonly RealCluster[],
    targetCluster: RealCluster,
    onStart: (started: Started) => void,
  ) {
    this.#onStart = onStart;
    this.a = `a${n}`;
    this.b = `b${n}`;
    this.sources = sources;
    this.targetCluster = targetCluster;
  }

  /** The first source. */
  get source(): KafkaFactory {
    return this.sources[0]!.kafka;
  }

  get target(): KafkaFactory {
    return this.targetCluster.kafka;
  }

  /** Starts a relay in this process; with several sources in failover mode. */
  run = async (over: Table = {}, flags: RelayFlags = {}) => {
    const mode = this.sources.length > 1 ? 'failover' : 'single';
    const config = await relayConfig({ topics: { [this.a]: this.b }, ...over }, { mode, ...flags });
    const started = await startRelay({ sources: this.sources.map(({ kafka }) => kafka), target: this.target }, config);
    this.#onStart(started);
    return {
      ...started,
      /** Its warnings and errors. */
      text: () => JSON.stringify(started.lines.filter(({ level }) => Number(level) >= 40)),
      /** The number of the source that is being read. */
      reading: () => started.lines.findLast(({ msg }) => msg === 'reading')?.server,
    };
  };

  /** Relays to the end. */
  once = async (over: Table = {}, flags: RelayFlags = {}) => {
    const started = await this.run(over, { stopAtEnd: true, ...flags });
    const outcome = await ended(started);
    const metrics = await started.metrics();
    await started.stop();
    return { ...outcome, metrics, text: started.text() };
  };

  /** The configuration file of a relay in a process of its own. */
  toml = (over: Table = {}) =>
    relayToml(
      this.sources.map(({ server }) => server.brokers),
      this.targetCluster.server.brokers,
      { topics: { [this.a]: this.b }, ...over },
    );

  /** All sources get the same. */
  fillAll = async (count: number, options: { partitions?: number; from?: number } = {}): Promise<void> => {
    for (const { kafka } of this.sources) await fill(kafka, numbered(this.a, count, options));
  };

  copied = async () => valuesOf(await readAll(this.target, this.b));
  original = async () => valuesOf(await readAll(this.source, this.a));
  assertCopied = async () => assert.deepEqual(await this.copied(), await this.original());
}

/** To be called in a describe(): clusters that its tests share. `needs` is false if there can be none. */
export function relayStages(sources: number) {
  const why = whyNoKafka();
  let clusters: RealCluster[] = [];
  let n = 0;
  before(async () => {
    if (!why) clusters = await startClusters(sources + 1);
  });
  const started: Started[] = [];
  after(async () => {
    // A failed test leaves its relay behind.
    await Promise.all(started.map((relay) => relay.stop()));
    await stopClusters(clusters);
  });

  /** @param target another cluster than the file's own */
  async function lab(
    { partitions = 1, targetPartitions = partitions, config = {} }: Shape = {},
    target = clusters[0]!,
  ) {
    const stage = new Stage(++n, clusters.slice(1), target, (relay) => started.push(relay));
    for (const { kafka } of stage.sources) await makeTopic(kafka, stage.a, partitions, config);
    if (targetPartitions > 0) await makeTopic(target.kafka, stage.b, targetPartitions);
    return stage;
  }
  return { lab, needs: (t: TestContext) => met(t, why) };
}
