// A collector from the websocket to the in-memory Kafka: a stand-in of RIS Live, an election that the test decides, replicas.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import { Stats } from '../../src/core/stats/stats.js';
import { Collector } from '../../src/ris/collector.js';
import { type RisConfigInput, risSchema } from '../../src/ris/config.js';
import type { RisCounter } from '../../src/ris/feed/ingest.js';
import type { Election, ElectionCandidate } from '../../src/ris/leadership/elector.js';
import { realClock } from './clock.js';
import { FakeKafka } from './fake-kafka.js';
import { Generator, RisLiveServer } from './ris-live.js';

export const bmp = { routeMonitoring: 0, peerDown: 2, peerUp: 3, initiation: 4, termination: 5 } as const;

/** An election that the test decides. */
class Decided implements Election {
  isLeader: boolean;
  /** Whether another replica has a feed that began earlier. */
  othersAreBetter = false;
  releases = 0;
  #candidate: ElectionCandidate | undefined;
  #terms = 0;

  constructor(isLeader: boolean) {
    this.isLeader = isLeader;
  }

  start(candidate: ElectionCandidate): void {
    this.#candidate = candidate;
  }
  decide(isLeader: boolean): void {
    this.isLeader = isLeader;
    if (isLeader) this.#terms += 1;
    this.#candidate?.onChange();
  }
  leads = (): boolean => this.isLeader;
  hasOthers = (): boolean => this.othersAreBetter;
  hasBetter = (): boolean => this.othersAreBetter;
  awayMs = (): number => 0;
  term = (): string => `test ${this.#terms}`;
  async release(): Promise<void> {
    this.releases++;
    this.isLeader = false;
  }
  async close(): Promise<void> {
    this.isLeader = false;
  }
}

export interface SceneOptions {
  /** Feed time of the first message, ms. */
  readonly time?: number;
  /** Partitions of topics that are created on first use; 0: none are. */
  readonly partitions?: number;
}

/** A stand-in of RIS Live, a Kafka, and the replicas of a test. */
export class Scene {
  readonly kafka: FakeKafka;
  readonly generator = new Generator({ host: 'rrc13', peers: 3, rate: 1 });
  readonly sent: string[] = [];
  /** What the replicas have logged, debug lines too. */
  readonly lines: Record<string, unknown>[] = [];
  readonly #log = pino({ level: 'debug' }, { write: (line: string) => void this.lines.push(JSON.parse(line)) });
  #time: number;
  readonly #server: RisLiveServer;
  readonly #t: TestContext;

  private constructor(
    t: TestContext,
    server: RisLiveServer,
    { time = 1_700_000_000_000, partitions = 1 }: SceneOptions,
  ) {
    this.#t = t;
    this.#server = server;
    this.#time = time;
    this.kafka = new FakeKafka({ autoCreatePartitions: partitions });
  }

  static async open(t: TestContext, options: SceneOptions = {}): Promise<Scene> {
    const server = await RisLiveServer.start();
    const scene = new Scene(t, server, options);
    t.after(async () => {
      await server.stop();
      await scene.kafka.close();
    });
    return scene;
  }

  /** A replica that has subscribed. */
  async replica(
    name: string,
    isLeader: boolean,
    more: Partial<RisConfigInput> = {},
    kafka: KafkaFactory = this.kafka,
  ): Promise<Replica> {
    const config = risSchema.parse({
      host: 'rrc13',
      url: this.#server.url,
      clientId: name,
      reorderMs: 50,
      commitMs: 5,
      backoffMinMs: 10,
      ...more,
    });
    const election = new Decided(isLeader);
    const stats = new Stats();
    const deps = { kafka, election, replica: name, version: 'test', clock: realClock, stats, log: this.#log };
    const collector = new Collector('rrc13', config, { ...deps, random: Math.random });
    collector.start();
    this.#t.after(() => collector.drain());
    await until(() => this.#server.subscribers.includes(name), `${name} subscribes`);
    const count = (counter: RisCounter): number =>
      [...stats.labelled(counter).entries()].reduce((sum, [, by]) => sum + by, 0);
    return { collector, election, count };
  }

  /** Sends this many messages, a millisecond of feed time apart. */
  send(count: number): void {
    for (let i = 0; i < count; i++) {
      const { id, line } = this.generator.next(this.#time++);
      this.sent.push(id);
      this.#server.send('rrc13', line);
    }
  }

  /** A message of the present feed time that is not sent yet, but counts as sent. */
  take(): string {
    const { id, line } = this.generator.next(this.#time++);
    this.sent.push(id);
    return line;
  }

  /** The same, an UPDATE with this many prefixes (at most 256), of the peer whose turn it is. */
  takeLarge(asn: number, count: number): string {
    const prefixes = Array.from({ length: count }, (_, n) => `10.${n}.0.0/16`);
    const data = { type: 'UPDATE', path: [asn], origin: 'IGP', announcements: [{ next_hop: '192.0.2.1', prefixes }] };
    return `${this.take().replace(/,"type":"UPDATE".*$/, '')},${JSON.stringify(data).slice(1)}}`;
  }

  /** Lets feed time pass. */
  skip(ms: number): void {
    this.#time += ms;
  }

  /** A message dated so much ahead, which counts as sent. @returns its id */
  sendAhead(ms: number): string {
    const line = this.take();
    const [, time] = /"timestamp":([\d.]+)/.exec(line)!;
    this.sendLine(line.replace(`"timestamp":${time}`, `"timestamp":${(Number(time) + ms / 1_000).toFixed(3)}`));
    return this.sent.at(-1)!;
  }

  sendLine(line: string): void {
    this.#server.send('rrc13', line);
  }

  async cut(name: string): Promise<void> {
    this.#server.cut(name);
    await until(() => !this.#server.subscribers.includes(name), 'the cut');
  }

  ignore(name: string): void {
    this.#server.ignore(name);
  }

  async resubscribed(name: string): Promise<void> {
    await until(() => this.#server.subscribers.includes(name), 'the second subscription');
  }

  /** All committed records of the collector. */
  records(): Message[] {
    return [...this.kafka.topics.entries()]
      .filter(([name]) => name.startsWith('rrc13.'))
      .flatMap(([, { partitions }]) => partitions)
      .flatMap((partition) => {
        const all: Message[] = [];
        for (let found = partition.read(0, true); found; found = partition.read(found.offset + 1, true))
          all.push(found);
        return all;
      });
  }

  ids(): string[] {
    return this.records().flatMap((record) => header(record, 'ris-id') ?? []);
  }

  count(type: number): number {
    return this.records().filter(({ value }) => value?.[5] === type).length;
  }

  /** Waits until this many RIS messages are committed. */
  async published(count: number): Promise<void> {
    await until(() => this.ids().length >= count, `${count} published (there are ${this.ids().length})`);
  }

  /** Each sent message once, per peer in the order sent. */
  assertExactlyOnce(): void {
    const ids = this.ids();
    assert.equal(new Set(ids).size, ids.length, 'nothing twice');
    assert.deepEqual([...ids].sort(), [...this.sent].sort(), 'nothing missing, nothing else');
    const places = new Map<string, string>();
    for (const record of this.records()) {
      const id = header(record, 'ris-id');
      if (!id) continue;
      const peer = id.slice(0, id.lastIndexOf('-'));
      assert.ok(id > (places.get(peer) ?? ''), 'in order');
      places.set(peer, id);
    }
  }
}

export interface Replica {
  readonly collector: Collector;
  readonly election: Decided;
  /** A counter, summed over its labels. */
  readonly count: (counter: RisCounter) => number;
}

export const header = ({ headers }: Message, name: string): string | undefined =>
  headers.find(({ key }) => key === name)?.value?.toString();

export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
