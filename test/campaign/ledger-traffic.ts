// The traffic of the gateway's ledger: who writes, who consumes, and what happens meanwhile.
import { Redis } from 'ioredis';
import type { KafkaFactory } from '../../src/core/ports.js';
import type { GatewayProcess } from '../support/gateway.js';
import type { KafkaServer } from '../support/kafka-server.js';
import type { LedgerOptions } from './ledger.js';
import type { RemadeLedger } from './ledger-remade.js';

export const topic = 'ledger';
const commitIntervalMs = 1_000;
/** A commit needs its interval, a round trip and a loop that is not starved by the test itself. */
const commitSlackMs = 1_500;
const batch = 50;
export const firstPartitions = 4;
const grownBy = 2;
/** With cuts: how long the producer of a connection that closed tries on, and how long brokers stand still for less and for more. */
export const flushMs = 3_000;
const shortHaltMs = 1_000;
const longHaltMs = 7_000;

interface Delivery {
  readonly at: number;
  readonly session: Session;
  ackedAt: number;
}

/** One consumer connection's life. */
interface Session {
  endedAt: number;
  /** Ended by the consumer itself or by a gateway that stopped in order: then every ack must have been committed. */
  graceful: boolean;
}

/** What a connection had taken when it was cut. */
interface Owed {
  readonly ids: readonly string[];
  /** Of the gateway: what is killed tells nothing. */
  readonly life: number;
}

/** What there is to disturb. */
export interface Stage {
  readonly server: KafkaServer;
  readonly kafka: KafkaFactory;
  readonly gateway: GatewayProcess;
  readonly remade: RemadeLedger | undefined;
}

/** The writers, the consumers, what disturbs them, and the books of both. */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #stage: Stage;
  readonly covered = new Set<string>();
  /** Of connections that ended before a DUMP spoke for them: with cuts, their place in the topic is nobody's promise. */
  readonly unsure = new Set<string>();
  /** What writers were told of connections that were cut. */
  readonly told: { readonly ids: readonly string[]; readonly left: number }[] = [];
  coveredAfterCut = 0;
  partitionsAdded = 0;
  /** By writer: answered, and no DUMP has spoken for it. */
  readonly #owed = new Map<number, Owed>();
  readonly #writers = new Set<Redis>();
  /** Odd while the gateway is being restarted. */
  #gatewayLife = 0;
  #joined = 0;
  #brokerRestarts = 0;
  #cuts = 0;
  readonly deliveries = new Map<string, Delivery[]>();
  readonly #sessions = new Set<Session>();
  /** Times at which no commit could get through. */
  readonly #brokerDown: { from: number; to: number }[] = [];
  produced = 0;
  deliveryCount = 0;
  disordered = 0;
  #writing = true;
  #consuming = true;

  constructor(options: LedgerOptions, stage: Stage) {
    this.#options = options;
    this.#stage = stage;
  }

  async run(): Promise<void> {
    const { writers, consumers, reset } = this.#options;
    const consuming = Array.from({ length: consumers }, (_, index) => this.#consume(index));
    while (reset === 'latest' && this.#joined < consumers) await pause(20);
    const writing = Array.from({ length: writers }, (_, index) => this.#write(index));
    await this.#disturb();
    this.#options.say(`${this.produced} ids produced while disturbed; the rest undisturbed`);
    await Promise.all(writing);
    await this.#untilDelivered();
    this.#consuming = false;
    await Promise.all(consuming);
  }

  async #write(index: number): Promise<void> {
    const share = Math.ceil(this.#options.ids / this.#options.writers);
    const { kills, terms, brokerRestarts, grow = 0, recreate = 0, cut = 0 } = this.#options;
    const events = kills + terms + brokerRestarts + grow + recreate * 2 + cut;
    const paceMs = (events * this.#options.pauseMs) / (share / batch);
    let next = 0;
    while ((next < share && this.#writing) || this.#owed.has(index)) {
      const life = this.#gatewayLife;
      const client = await this.#connect();
      if (!client) continue;
      this.#writers.add(client);
      try {
        await this.#askForOwed(client, index, life);
        while (next < share) {
          const ids = Array.from(
            { length: Math.min(batch, share - next) },
            (_, offset) => `w${index}-${next + offset}`,
          );
          next += ids.length;
          this.produced += ids.length;
          const queued = client.pipeline();
          // With more partitions to come a writer has many keys, so that they get some of its ids.
          const key = grow > 0 ? `key${index}.${next / batch}` : `key${index}`;
          for (const id of ids) queued.call('RPUSHX', `topics:${topic}:${key}`, id);
          this.#owed.set(index, { ids, life: -1 });
          const answers = await queued.exec();
          if (answers?.some(([error]) => error)) break;
          this.#owed.set(index, { ids, life });
          if ((await client.call('DUMP', '15000')) === 0) for (const id of ids) this.covered.add(id);
          this.#owed.delete(index);
          await pause(paceMs);
        }
      } catch {
        // The connection died with its batch: whether it is in Kafka nobody said, so nothing is claimed of it.
      } finally {
        this.#keepOwed(index);
        this.#writers.delete(client);
        client.disconnect();
      }
    }
  }

  /** After a cut the next connection's DUMP is asked for what the last one held; otherwise nobody can be. */
  #keepOwed(index: number): void {
    const owed = this.#owed.get(index);
    const isCutting = (this.#options.cut ?? 0) > 0;
    for (const id of (isCutting && owed?.ids) || []) this.unsure.add(id);
    if (!isCutting || owed?.life !== this.#gatewayLife) this.#owed.delete(index);
  }

  async #askForOwed(client: Redis, index: number, life: number): Promise<void> {
    const owed = this.#owed.get(index);
    if (owed?.life === life) {
      const left = Number(await client.call('DUMP', '30000'));
      if (life !== this.#gatewayLife) return;
      if (left > 0) this.told.push({ ids: owed.ids, left });
      else {
        for (const id of owed.ids) this.covered.add(id);
        this.coveredAfterCut += owed.ids.length;
      }
    }
    this.#owed.delete(index);
  }

  async #consume(index: number): Promise<void> {
    const isBreaking = this.#options.reset === 'latest';
    let life = 0;
    let isJoined = false;
    while (this.#consuming) {
      const client = await this.#connect();
      if (!client) continue;
      const session: Session = { endedAt: Number.POSITIVE_INFINITY, graceful: false };
      this.#sessions.add(session);
      const last = new Map<string, number>();
      const until = Date.now() + 4_000 + ((index * 7 + life * 3) % 5) * 2_000;
      life += 1;
      try {
        await client.call('CLIENT', 'SETNAME', `ledger:c${index}`);
        while (this.#consuming && Date.now() < until) {
          const answer = (await client.call('BLPOP', `topics:${topic}`, '1')) as unknown[] | null;
          if (!isJoined) this.#joined += 1;
          isJoined = true;
          if (!answer) continue;
          // The first lives end before their first ack: nothing but where the group begins is known of it then.
          const isLeft = isBreaking && life <= 2;
          await this.#delivered(client, session, last, answer, isLeft);
          if (isLeft) break;
        }
        session.graceful = true;
        session.endedAt = Date.now();
        if (isBreaking) client.stream.destroy();
        else await client.call('QUIT');
      } catch {
        session.endedAt = Math.min(session.endedAt, Date.now());
      } finally {
        client.disconnect();
      }
    }
  }

  async #delivered(
    client: Redis,
    session: Session,
    last: Map<string, number>,
    answer: unknown[],
    isLeft: boolean,
  ): Promise<void> {
    const [, name, , partition, , offset, , value] = answer;
    const id = String(value);
    const [writer, sequence] = id.split('-');
    const place = `${writer}:${partition}`;
    const delivery: Delivery = { at: Date.now(), session, ackedAt: Number.POSITIVE_INFINITY };
    this.deliveryCount += 1;
    const known = this.deliveries.get(id);
    if (known) known.push(delivery);
    else this.deliveries.set(id, [delivery]);
    // Within a connection a key may start again (a rebalance took its partition and gave it back) but never skip back by one by one.
    const before = this.unsure.has(id) ? undefined : last.get(place);
    if (before !== undefined && Number(sequence) <= before && !this.#startsAgain(id, session)) this.disordered += 1;
    if (!this.unsure.has(id)) last.set(place, Number(sequence));
    if (isLeft) return;
    await client.call('RPUSH', 'acks', `${name}:${partition}:${offset}`);
    delivery.ackedAt = Date.now();
  }

  /** A rewind is in order when this id was delivered before: the partition was taken back to the committed position. */
  #startsAgain(id: string, session: Session): boolean {
    return (this.deliveries.get(id) ?? []).filter((delivery) => delivery.session === session).length > 1;
  }

  async #disturb(): Promise<void> {
    const { kills, terms, brokerRestarts, grow = 0, recreate = 0, cut = 0, pauseMs, say } = this.#options;
    const events = [
      ...Array.from({ length: kills }, () => 'SIGKILL' as const),
      ...Array.from({ length: terms }, () => 'SIGTERM' as const),
      ...Array.from({ length: brokerRestarts }, () => 'broker' as const),
      ...Array.from({ length: grow }, () => 'grow' as const),
      ...Array.from({ length: recreate }, () => 'recreate' as const),
      ...Array.from({ length: cut }, () => 'cut' as const),
    ];
    // Interleaved evenly, in an order that every run repeats.
    const order = events.map((event, index) => ({ event, place: (index * 7919) % events.length }));
    for (const { event } of order.sort((a, b) => a.place - b.place)) {
      await pause(pauseMs);
      say(`${event}: ${this.produced} produced, ${this.covered.size} covered, ${this.deliveries.size} delivered`);
      if (event === 'broker') await this.#restartBroker();
      else if (event === 'grow') await this.#addPartitions();
      else if (event === 'recreate') await this.#stage.remade?.remake();
      else if (event === 'cut') await this.#cutWriters();
      else await this.#restartGateway(event);
    }
  }

  async #restartGateway(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const open = [...this.#sessions].filter((session) => session.endedAt === Number.POSITIVE_INFINITY);
    const at = Date.now();
    this.#gatewayLife += 1;
    const ending = this.#stage.gateway.end(signal);
    for (const session of open) {
      session.graceful = signal === 'SIGTERM';
      if (signal === 'SIGKILL') session.endedAt = at;
    }
    await ending;
    await this.#stage.gateway.run();
    this.#gatewayLife += 1;
  }

  async #restartBroker(): Promise<void> {
    const from = Date.now();
    const node = this.#brokerRestarts++ % (this.#options.nodes ?? 1);
    await this.#stage.server.halt(node);
    await this.#stage.server.restart(node);
    this.#brokerDown.push({ from, to: Date.now() + 5_000 });
  }

  async #addPartitions(): Promise<void> {
    await this.#stage.kafka.admin.createPartitions(topic, firstPartitions + this.partitionsAdded + grownBy);
    this.partitionsAdded += grownBy;
  }

  /** Every second time the brokers stand still for longer than a closed connection's producer tries, and what it held is lost. */
  async #cutWriters(): Promise<void> {
    const nodes = Array.from({ length: this.#options.nodes ?? 1 }, (_, node) => node);
    const from = Date.now();
    for (const node of nodes) this.#stage.server.pause(node);
    try {
      for (let tries = 0; tries < 100 && this.#waiting < this.#writers.size; tries++) await pause(20);
      for (const client of this.#writers) client.stream.resetAndDestroy();
      await pause(this.#cuts++ % 2 === 0 ? shortHaltMs : longHaltMs);
    } finally {
      for (const node of nodes) this.#stage.server.resume(node);
      this.#brokerDown.push({ from, to: Date.now() + 10_000 });
    }
  }

  /** Writers that were answered and wait for their DUMP. */
  get #waiting(): number {
    return [...this.#owed.values()].filter(({ life }) => life === this.#gatewayLife).length;
  }

  async #untilDelivered(): Promise<void> {
    const deadline = Date.now() + 90_000;
    const left = (): number => [...this.covered].filter((id) => !this.deliveries.has(id)).length;
    while (left() > 0 && Date.now() < deadline) await pause(200);
  }

  async #connect(): Promise<Redis | undefined> {
    const client = new Redis({
      port: this.#stage.gateway.port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch {
      client.disconnect();
      await pause(50);
      return undefined;
    }
  }

  /** Deliveries of an id after an ack that must have been committed. */
  redeliveredAfterAck(): number {
    let count = 0;
    for (const deliveries of this.deliveries.values()) {
      for (const [index, earlier] of deliveries.entries()) {
        const isSafe = deliveries.length > index + 1 && this.#wasCommitted(earlier);
        if (isSafe && deliveries.slice(index + 1).some(({ at }) => at > earlier.session.endedAt)) count += 1;
      }
    }
    return count;
  }

  #wasCommitted({ ackedAt, session }: Delivery): boolean {
    if (ackedAt > session.endedAt) return false;
    const wasDown = this.#brokerDown.some(({ from, to }) => from <= session.endedAt && ackedAt <= to);
    if (wasDown) return false;
    return session.graceful || ackedAt + commitIntervalMs + commitSlackMs < session.endedAt;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
