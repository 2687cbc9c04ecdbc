// The gateway's ledger: ids go through RPUSHX + DUMP and BLPOP + acks while the gateway is killed and stopped, the broker restarted and
// consumers come and go; then the books must balance. Run: node build/test/campaign/ledger.js [--ids 100000] [--kills 10] ...
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';

export interface LedgerOptions {
  readonly ids: number;
  readonly kills: number;
  readonly terms: number;
  readonly brokerRestarts: number;
  readonly writers: number;
  readonly consumers: number;
  /** Between two events, ms. */
  readonly pauseMs: number;
  readonly say: (text: string) => void;
}

export interface LedgerResult {
  readonly produced: number;
  /** Ids that a DUMP 0 covered. */
  readonly covered: number;
  /** Covered, but not in the topic. Must be 0. */
  readonly missing: number;
  /** Covered, but never delivered to a consumer. Must be 0. */
  readonly undelivered: number;
  /** In the topic more than once. */
  readonly stored_twice: number;
  /** Keys whose ids stand out of order in the topic. Must be 0. */
  readonly disordered_in_topic: number;
  /** Deliveries out of order within one connection. Must be 0. */
  readonly disordered_deliveries: number;
  /** Delivered again although acked longer than the commit interval before the connection ended. Must be 0. */
  readonly redelivered_after_ack: number;
  /** Delivered again for want of an ack, or acked within the commit interval before a kill. */
  readonly redelivered: number;
  readonly deliveries: number;
  readonly seconds: number;
}

const topic = 'ledger';
const commitIntervalMs = 1_000;
/** A commit needs its interval, a round trip and a loop that is not starved by the test itself. */
const commitSlackMs = 1_500;
const batch = 50;

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

class Ledger {
  readonly #options: LedgerOptions;
  readonly #kafka: KafkaServer;
  readonly #gateway: GatewayProcess;
  readonly covered = new Set<string>();
  readonly deliveries = new Map<string, Delivery[]>();
  readonly #sessions = new Set<Session>();
  /** Times at which no commit could get through. */
  readonly #brokerDown: { from: number; to: number }[] = [];
  produced = 0;
  deliveryCount = 0;
  disordered = 0;
  #writing = true;
  #consuming = true;

  constructor(options: LedgerOptions, kafka: KafkaServer, gateway: GatewayProcess) {
    this.#options = options;
    this.#kafka = kafka;
    this.#gateway = gateway;
  }

  async run(): Promise<void> {
    const { writers, consumers } = this.#options;
    const writing = Array.from({ length: writers }, (_, index) => this.#write(index));
    const consuming = Array.from({ length: consumers }, (_, index) => this.#consume(index));
    await this.#disturb();
    this.#options.say(`${this.produced} ids produced while disturbed; the rest undisturbed`);
    await Promise.all(writing);
    await this.#untilDelivered();
    this.#consuming = false;
    await Promise.all(consuming);
  }

  async #write(index: number): Promise<void> {
    const share = Math.ceil(this.#options.ids / this.#options.writers);
    const events = this.#options.kills + this.#options.terms + this.#options.brokerRestarts;
    const paceMs = (events * this.#options.pauseMs) / (share / batch);
    let next = 0;
    while (next < share && this.#writing) {
      const client = await this.#connect();
      if (!client) continue;
      try {
        while (next < share) {
          const ids = Array.from(
            { length: Math.min(batch, share - next) },
            (_, offset) => `w${index}-${next + offset}`,
          );
          next += ids.length;
          this.produced += ids.length;
          const queued = client.pipeline();
          for (const id of ids) queued.call('RPUSHX', `topics:${topic}:key${index}`, id);
          const answers = await queued.exec();
          if (answers?.some(([error]) => error)) break;
          if ((await client.call('DUMP', '15000')) === 0) for (const id of ids) this.covered.add(id);
          await pause(paceMs);
        }
      } catch {
        // The connection died with its batch: whether it is in Kafka nobody said, so nothing is claimed of it.
      } finally {
        client.disconnect();
      }
    }
  }

  async #consume(index: number): Promise<void> {
    let life = 0;
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
          if (answer) await this.#delivered(client, session, last, answer);
        }
        session.graceful = true;
        session.endedAt = Date.now();
        await client.call('QUIT');
      } catch {
        session.endedAt = Math.min(session.endedAt, Date.now());
      } finally {
        client.disconnect();
      }
    }
  }

  async #delivered(client: Redis, session: Session, last: Map<string, number>, answer: unknown[]): Promise<void> {
    const [, name, , partition, , offset, , value] = answer;
    const id = String(value);
    const [key = '', sequence] = id.split('-');
    const delivery: Delivery = { at: Date.now(), session, ackedAt: Number.POSITIVE_INFINITY };
    this.deliveryCount += 1;
    const known = this.deliveries.get(id);
    if (known) known.push(delivery);
    else this.deliveries.set(id, [delivery]);
    // Within a connection a key may start again (a rebalance took its partition and gave it back) but never skip back by one by one.
    const before = last.get(key);
    if (before !== undefined && Number(sequence) <= before && !this.#startsAgain(id, session)) this.disordered += 1;
    last.set(key, Number(sequence));
    await client.call('RPUSH', 'acks', `${name}:${partition}:${offset}`);
    delivery.ackedAt = Date.now();
  }

  /** A rewind is in order when this id was delivered before: the partition was taken back to the committed position. */
  #startsAgain(id: string, session: Session): boolean {
    return (this.deliveries.get(id) ?? []).filter((delivery) => delivery.session === session).length > 1;
  }

  async #disturb(): Promise<void> {
    const { kills, terms, brokerRestarts, pauseMs, say } = this.#options;
    const events = [
      ...Array.from({ length: kills }, () => 'SIGKILL' as const),
      ...Array.from({ length: terms }, () => 'SIGTERM' as const),
      ...Array.from({ length: brokerRestarts }, () => 'broker' as const),
    ];
    // Interleaved evenly, in an order that every run repeats.
    const order = events.map((event, index) => ({ event, place: (index * 7919) % events.length }));
    for (const { event } of order.sort((a, b) => a.place - b.place)) {
      await pause(pauseMs);
      say(`${event}: ${this.produced} produced, ${this.covered.size} covered, ${this.deliveries.size} delivered`);
      if (event === 'broker') await this.#restartBroker();
      else await this.#restartGateway(event);
    }
  }

  async #restartGateway(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const open = [...this.#sessions].filter((session) => session.endedAt === Number.POSITIVE_INFINITY);
    const at = Date.now();
    const ending = this.#gateway.end(signal);
    for (const session of open) {
      session.graceful = signal === 'SIGTERM';
      if (signal === 'SIGKILL') session.endedAt = at;
    }
    await ending;
    await this.#gateway.run();
  }

  async #restartBroker(): Promise<void> {
    const from = Date.now();
    await this.#kafka.halt();
    await this.#kafka.restart();
    this.#brokerDown.push({ from, to: Date.now() + 5_000 });
  }

  async #untilDelivered(): Promise<void> {
    const deadline = Date.now() + 90_000;
    const left = (): number => [...this.covered].filter((id) => !this.deliveries.has(id)).length;
    while (left() > 0 && Date.now() < deadline) await pause(200);
  }

  async #connect(): Promise<Redis | undefined> {
    const client = new Redis({
      port: this.#gateway.port,
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

/** Runs it on a Kafka and a gateway of its own. */
export async function runLedger(options: LedgerOptions): Promise<LedgerResult> {
  const startedAt = Date.now();
  const kafka = await KafkaServer.start();
  const gateway = await GatewayProcess.start({
    config: {
      general: { 'bootstrap.servers': kafka.brokers },
      consumer: { 'auto.offset.reset': 'earliest', 'session.timeout.ms': 6_000 },
    },
  });
  try {
    const ledger = new Ledger(options, kafka, gateway);
    await ledger.run();
    const stored = await readTopic(gateway, ledger.covered);
    const missing = [...ledger.covered].filter((id) => !stored.counts.has(id)).length;
    const undelivered = [...ledger.covered].filter((id) => !ledger.deliveries.has(id)).length;
    const after = ledger.redeliveredAfterAck();
    return {
      produced: ledger.produced,
      covered: ledger.covered.size,
      missing,
      undelivered,
      stored_twice: [...stored.counts.values()].filter((count) => count > 1).length,
      disordered_in_topic: stored.disordered,
      disordered_deliveries: ledger.disordered,
      redelivered_after_ack: after,
      redelivered: ledger.deliveryCount - ledger.deliveries.size - after,
      deliveries: ledger.deliveryCount,
      seconds: Math.round((Date.now() - startedAt) / 1_000),
    };
  } finally {
    await gateway.stop();
    await kafka.stop();
  }
}

/** Reads the whole topic with a group of its own, until every covered id was seen or nothing more comes. */
async function readTopic(
  gateway: GatewayProcess,
  covered: ReadonlySet<string>,
): Promise<{ counts: Map<string, number>; disordered: number }> {
  const client = new Redis({ port: gateway.port, host: '127.0.0.1' });
  const counts = new Map<string, number>();
  const last = new Map<string, number>();
  let disordered = 0;
  try {
    await client.call('CLIENT', 'SETNAME', `audit-${Date.now()}:a`);
    let found = 0;
    for (let silent = 0; silent < 2 || (found < covered.size && silent < 10); ) {
      const answer = (await client.call('BLPOP', `topics:${topic}`, '3')) as unknown[] | null;
      silent = answer ? 0 : silent + 1;
      if (!answer) continue;
      const id = String(answer[7]);
      const [key = '', sequence] = id.split('-');
      if (!counts.has(id) && covered.has(id)) found += 1;
      if (!counts.has(id) && Number(sequence) < (last.get(key) ?? -1)) disordered += 1;
      counts.set(id, (counts.get(id) ?? 0) + 1);
      last.set(key, Number(sequence));
    }
    return { counts, disordered };
  } finally {
    client.disconnect();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What must be 0 for the books to balance. */
export const failures = (result: LedgerResult): Partial<LedgerResult> =>
  Object.fromEntries(
    (
      ['missing', 'undelivered', 'disordered_in_topic', 'disordered_deliveries', 'redelivered_after_ack'] as const
    ).flatMap((name) => (result[name] === 0 ? [] : [[name, result[name]]])),
  );

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      ids: { type: 'string', default: '100000' },
      kills: { type: 'string', default: '10' },
      terms: { type: 'string', default: '10' },
      'broker-restarts': { type: 'string', default: '5' },
      'pause-ms': { type: 'string', default: '6000' },
    },
  });
  const result = await runLedger({
    ids: Number(values.ids),
    kills: Number(values.kills),
    terms: Number(values.terms),
    brokerRestarts: Number(values['broker-restarts']),
    writers: 4,
    consumers: 3,
    pauseMs: Number(values['pause-ms']),
    say: (text) => console.error(text),
  });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = Object.keys(failures(result)).length === 0 ? 0 : 1;
}
