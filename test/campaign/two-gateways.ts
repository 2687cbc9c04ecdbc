// Two gateways, one group read on both, one of them killed again and again, and the books of what went in and came out. What
// is sent and read, and how it is acknowledged, is a dialect's: streams-ledger.ts, lists-ledger.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';
import { openKafka } from '../support/relay-clusters.js';
import type { Stage, Trouble } from './streams-events.js';

/** What a consumer tells the books. */
export interface Reader {
  delivered(value: string): void;
  acked(value: string): void;
}

export interface Dialect {
  /** The gateways' configuration, without the brokers. */
  readonly config: object;
  /** Acks are committed by the interval alone: also a rebalance without a kill may come in between. */
  readonly byInterval?: true;
  prepare(client: Redis): Promise<unknown>;
  /** Sends values. @returns for each whether it was confirmed: that Kafka has it. */
  send(client: Redis, values: readonly string[]): Promise<boolean[]>;
  /** A connection has been made to consume. @param name another for each consumer of a gateway. @returns takes once what there is, and says so. */
  consumer(client: Redis, name: string, reader: Reader): Promise<() => Promise<void>>;
}

export interface LedgerOptions {
  readonly ids: number;
  readonly kills: number;
  /** Between a kill and the next, ms. */
  readonly pauseMs: number;
  readonly say: (text: string) => void;
  /** Brokers, 1 unless given. */
  readonly nodes?: number;
  /** One of them after each kill, in turn. */
  readonly troubles?: readonly Trouble[];
}

/** The topic of all dialects. */
export const ledgerTopic = 'ledger';

export interface LedgerResult {
  readonly confirmed: number;
  /** Sent, with an error or no answer: they may be there or not. */
  readonly unknown: number;
  readonly delivered: number;
  readonly acked: number;
  /** Confirmed and never delivered. */
  readonly missing: number;
  /** Deliveries beyond the first, of entries that were not acknowledged. */
  readonly again: number;
  /** The same of entries acknowledged at a gateway that was killed within the commit window after it, or see byInterval. */
  readonly againAcked: number;
  /** The same of entries whose acknowledgement came when their partition was elsewhere already, as the gateway's log says. */
  readonly againRefused: number;
  /** The same of entries acknowledged otherwise: there must be none. */
  readonly againLate: number;
  /** Figures of the troubles, by name. */
  readonly troubles: Readonly<Record<string, number>>;
}

export const commitIntervalMs = 500;
/** An ack so long before a kill is committed, also on a busy machine. */
const windowMs = commitIntervalMs + 3_000;
const quietMs = 20_000;

export async function runLedger(dialect: Dialect, options: LedgerOptions): Promise<LedgerResult> {
  const { ids, kills, pauseMs, nodes = 1, say } = options;
  const server = await KafkaServer.start({ nodes });
  const kafka = await openKafka(server.brokers);
  const config = { ...dialect.config, general: { 'bootstrap.servers': server.brokers }, log: { level: 'info' } };
  const gateways = [await GatewayProcess.start({ config }), await GatewayProcess.start({ config })];
  const book = new Book(say, dialect.byInterval ?? false);
  const clients = new Set<Redis>();
  const stage = { server, admin: kafka.admin, gateways, clients, topic: ledgerTopic, say };
  try {
    const first = await connect(gateways[0]!.port);
    await dialect.prepare(first);
    first.disconnect();
    const stop = new AbortController();
    const consuming = gateways.flatMap((gateway) =>
      ['c0', 'c1'].map((name) => consume(dialect, gateway, name, book, clients, stop.signal)),
    );
    const producing = gateways.map((gateway, index) =>
      produce(dialect, gateway, book, clients, index, ids, kills * pauseMs),
    );
    const killing = kill(stage, options, book);
    const [troubles] = await Promise.all([killing, ...producing]);
    say(`all is sent; ${book.missing} confirmed entries are still to come`);
    const deadline = Date.now() + 120_000;
    while (book.missing > 0 && Date.now() < deadline) await sleep(200);
    // What is still to come again comes now.
    await sleep(Math.min(quietMs, pauseMs * 2));
    stop.abort();
    await Promise.all(consuming);
    return { ...book.result(refusedAcks(gateways)), troubles };
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await kafka.close();
    await server.stop();
  }
}

/** Acknowledgements nobody is answered: that they came too late stands in the log only. */
const refusedAcks = (gateways: readonly GatewayProcess[]): number =>
  gateways
    .flatMap(({ lines }) => lines)
    .filter(({ msg }) => msg === 'what was popped is not acknowledged: it comes again')
    .reduce((sum, { entries }) => sum + Number(entries ?? 1), 0);

class Book {
  readonly #say: (text: string) => void;
  readonly #byInterval: boolean;
  readonly #confirmed = new Set<string>();
  readonly #delivered = new Map<string, number>();
  readonly #acks = new Map<string, { readonly gateway: number; readonly at: number }>();
  readonly #kills: { readonly gateway: number; readonly at: number }[] = [];
  #unknown = 0;
  #again = 0;
  #againAcked = 0;
  #againLate = 0;

  constructor(say: (text: string) => void, byInterval: boolean) {
    this.#say = say;
    this.#byInterval = byInterval;
  }

  sent(value: string, confirmed: boolean): void {
    if (confirmed) this.#confirmed.add(value);
    else this.#unknown++;
  }

  killed(gateway: number): void {
    this.#kills.push({ gateway, at: Date.now() });
  }

  reader(gateway: number): Reader {
    return {
      delivered: (value) => this.#wasDelivered(value, gateway),
      acked: (value) => this.#acks.set(value, { gateway, at: Date.now() }),
    };
  }

  #wasDelivered(value: string, gateway: number): void {
    const times = this.#delivered.get(value) ?? 0;
    this.#delivered.set(value, times + 1);
    if (times === 0) return;
    const ack = this.#acks.get(value);
    if (ack === undefined) this.#again++;
    else if (this.#wasCutOff(ack)) this.#againAcked++;
    else {
      this.#againLate++;
      const kills = this.#kills.map((each) => `${each.gateway} ${each.at - ack.at} ms after the ack`);
      this.#say(
        `late: ${value}, acknowledged at ${ack.gateway} ${Date.now() - ack.at} ms ago, again at ${gateway}; ${kills}`,
      );
    }
  }

  #wasCutOff(ack: { readonly gateway: number; readonly at: number }): boolean {
    if (this.#byInterval && Date.now() < ack.at + windowMs) return true;
    return this.#kills.some(
      ({ gateway, at }) => gateway === ack.gateway && at >= ack.at - 100 && at < ack.at + windowMs,
    );
  }

  get missing(): number {
    let missing = 0;
    for (const value of this.#confirmed) if (!this.#delivered.has(value)) missing++;
    return missing;
  }

  /** @param refused as many of those that came again late had not been acknowledged. */
  result(refused: number): Omit<LedgerResult, 'troubles'> {
    const againRefused = Math.min(refused, this.#againLate);
    return {
      confirmed: this.#confirmed.size,
      unknown: this.#unknown,
      delivered: this.#delivered.size,
      acked: this.#acks.size,
      missing: this.missing,
      again: this.#again,
      againAcked: this.#againAcked,
      againRefused,
      againLate: this.#againLate - againRefused,
    };
  }
}

/** Spreads its entries over the time of the kills; an entry whose answer is lost is not sent again. */
async function produce(
  dialect: Dialect,
  gateway: GatewayProcess,
  book: Book,
  clients: Set<Redis>,
  writer: number,
  ids: number,
  overMs: number,
): Promise<void> {
  const batch = 20;
  const batches = Math.ceil(ids / 2 / batch);
  let client: Redis | undefined;
  for (let index = 0; index < batches; index++) {
    const values = Array.from({ length: batch }, (_, n) => `w${writer}-${index * batch + n}`);
    client = await reconnected(gateway, clients, client);
    const confirmed = await dialect.send(client, values).catch(() => [] as boolean[]);
    for (const [at, value] of values.entries()) book.sent(value, confirmed[at] ?? false);
    await sleep(overMs / batches);
  }
  client?.disconnect();
}

async function consume(
  dialect: Dialect,
  gateway: GatewayProcess,
  name: string,
  book: Book,
  clients: Set<Redis>,
  stop: AbortSignal,
): Promise<void> {
  let client: Redis | undefined;
  let take: () => Promise<void> = async () => {};
  while (!stop.aborted) {
    try {
      const current = await reconnected(gateway, clients, client);
      if (current !== client) take = await dialect.consumer(current, name, book.reader(gateway.port));
      client = current;
      await take();
    } catch {
      await sleep(50);
    }
  }
  client?.disconnect();
}

async function reconnected(gateway: GatewayProcess, clients: Set<Redis>, client: Redis | undefined): Promise<Redis> {
  if (client?.status === 'ready') return client;
  client?.disconnect();
  if (client) clients.delete(client);
  for (;;) {
    try {
      const next = await connect(gateway.port);
      clients.add(next);
      return next;
    } catch {
      await sleep(50);
    }
  }
}

/** @returns the figures of the troubles, added up */
async function kill(
  stage: Stage,
  { kills, pauseMs, say, troubles = [] }: LedgerOptions,
  book: Book,
): Promise<Record<string, number>> {
  const { gateways } = stage;
  const sums: Record<string, number> = {};
  for (let index = 0; index < kills; index++) {
    await sleep(pauseMs / 2);
    const victim = gateways[index % gateways.length]!;
    book.killed(victim.port);
    await victim.end('SIGKILL');
    say(`kill -9 number ${index + 1}`);
    await sleep(pauseMs / 2);
    await victim.run();
    const trouble = troubles[index % troubles.length];
    const figures = (await trouble?.(stage, index)) ?? {};
    for (const [name, figure] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + figure;
  }
  return sums;
}

/** What must not be. */
export function failures({ missing, againLate, troubles }: LedgerResult): Readonly<Record<string, number>> {
  const figures = Object.entries({ missing, againLate, ...troubles });
  return Object.fromEntries(figures.filter(([name, figure]) => figure > 0 && /missing$|^againLate$/.test(name)));
}

/** The long form, from the command line. @param dialects by name; the first unless `--dialect` says another */
export async function runByHand(
  dialects: Readonly<Record<string, Dialect>>,
  troubles: readonly Trouble[] = [],
): Promise<void> {
  const { values } = parseArgs({
    options: {
      ids: { type: 'string', default: '20000' },
      kills: { type: 'string', default: '10' },
      nodes: { type: 'string', default: '1' },
      troubles: { type: 'boolean', default: false },
      dialect: { type: 'string', default: Object.keys(dialects)[0]! },
    },
  });
  const dialect = dialects[values.dialect];
  if (!dialect) throw new Error(`--dialect is one of ${Object.keys(dialects).join(', ')}`);
  const say = (text: string) => console.log(text);
  const result = await runLedger(dialect, {
    ids: Number(values.ids),
    kills: Number(values.kills),
    pauseMs: 8_000,
    nodes: Number(values.nodes),
    ...(values.troubles ? { troubles } : {}),
    say,
  });
  console.log(result);
  process.exitCode = Object.keys(failures(result)).length > 0 ? 1 : 0;
}
