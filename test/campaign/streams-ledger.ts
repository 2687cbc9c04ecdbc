// The streams' ledger: two gateways, one group read on both, one of them killed again and again. What XADD has answered must
// arrive, and what XACK has answered long enough ago must not come again.
// node build/test/campaign/streams-ledger.js [--ids 20000] [--kills 10]
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';

export interface LedgerOptions {
  readonly ids: number;
  readonly kills: number;
  /** Between a kill and the next, ms. */
  readonly pauseMs: number;
  readonly say: (text: string) => void;
}

export interface LedgerResult {
  readonly confirmed: number;
  /** XADDs that got an error or no answer: their entries may be there or not. */
  readonly unknown: number;
  readonly delivered: number;
  readonly acked: number;
  /** Confirmed and never delivered. */
  readonly missing: number;
  /** Deliveries beyond the first, of entries that were not acknowledged. */
  readonly again: number;
  /** The same of entries whose XACK was answered by a gateway that was killed within the commit window after it. */
  readonly againAcked: number;
  /** The same of entries acknowledged otherwise: there must be none. */
  readonly againLate: number;
}

const stream = 'ledger';
const commitIntervalMs = 500;
/** An ack that was answered so long before a kill is committed, also on a busy machine. */
const windowMs = commitIntervalMs + 3_000;
const quietMs = 20_000;

export async function runLedger({ ids, kills, pauseMs, say }: LedgerOptions): Promise<LedgerResult> {
  const kafka = await KafkaServer.start();
  const config = {
    general: { 'bootstrap.servers': kafka.brokers },
    log: { level: 'info' },
    resp: { streams: { commitIntervalMs, sessionTimeoutMs: 6_000, pendingTimeoutMs: 1_000 } },
  };
  const gateways = [await GatewayProcess.start({ config }), await GatewayProcess.start({ config })];
  const book = new Book();
  try {
    const first = await connect(gateways[0]!.port);
    await first.call('XGROUP', 'CREATE', stream, 'g', '0', 'MKSTREAM');
    first.disconnect();
    const stop = new AbortController();
    const consuming = gateways.flatMap((gateway) => [0, 1].map((n) => consume(gateway, `c${n}`, book, stop.signal)));
    const producing = gateways.map((gateway, index) => produce(gateway, book, index, ids, kills * pauseMs));
    const killing = kill(gateways, kills, pauseMs, book, say);
    await Promise.all([...producing, killing]);
    const deadline = Date.now() + 120_000;
    while (book.missing > 0 && Date.now() < deadline) await sleep(200);
    // What is still to come again comes now.
    await sleep(Math.min(quietMs, pauseMs * 2));
    stop.abort();
    await Promise.all(consuming);
    return book.result();
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await kafka.stop();
  }
}

class Book {
  readonly #confirmed = new Set<string>();
  readonly #delivered = new Map<string, number>();
  readonly #acks = new Map<string, { readonly gateway: number; readonly at: number }>();
  readonly #kills: { readonly gateway: number; readonly at: number }[] = [];
  #unknown = 0;
  #again = 0;
  #againAcked = 0;
  #againLate = 0;

  confirmed(value: string): void {
    this.#confirmed.add(value);
  }

  unknown(): void {
    this.#unknown++;
  }

  killed(gateway: number): void {
    this.#kills.push({ gateway, at: Date.now() });
  }

  delivered(value: string): void {
    const times = this.#delivered.get(value) ?? 0;
    this.#delivered.set(value, times + 1);
    if (times === 0) return;
    const ack = this.#acks.get(value);
    if (ack === undefined) this.#again++;
    else if (
      this.#kills.some(({ gateway, at }) => gateway === ack.gateway && at >= ack.at - 100 && at < ack.at + windowMs)
    )
      this.#againAcked++;
    else this.#againLate++;
  }

  acked(value: string, gateway: number): void {
    this.#acks.set(value, { gateway, at: Date.now() });
  }

  get missing(): number {
    let missing = 0;
    for (const value of this.#confirmed) if (!this.#delivered.has(value)) missing++;
    return missing;
  }

  result(): LedgerResult {
    return {
      confirmed: this.#confirmed.size,
      unknown: this.#unknown,
      delivered: this.#delivered.size,
      acked: this.#acks.size,
      missing: this.missing,
      again: this.#again,
      againAcked: this.#againAcked,
      againLate: this.#againLate,
    };
  }
}

/** Spreads its entries over the time of the kills; an entry whose answer is lost is not sent again. */
async function produce(
  gateway: GatewayProcess,
  book: Book,
  writer: number,
  ids: number,
  overMs: number,
): Promise<void> {
  const batch = 20;
  const batches = Math.ceil(ids / 2 / batch);
  let client: Redis | undefined;
  for (let index = 0; index < batches; index++) {
    const values = Array.from({ length: batch }, (_, n) => `w${writer}-${index * batch + n}`);
    client = await reconnected(gateway, client);
    const current = client;
    await Promise.all(
      values.map((value) =>
        current.call('XADD', stream, '*', 'value', value).then(
          () => book.confirmed(value),
          () => book.unknown(),
        ),
      ),
    );
    await sleep(overMs / batches);
  }
  client?.disconnect();
}

async function consume(gateway: GatewayProcess, name: string, book: Book, stop: AbortSignal): Promise<void> {
  let client: Redis | undefined;
  while (!stop.aborted) {
    try {
      client = await reconnected(gateway, client);
      const args = ['GROUP', 'g', name, 'COUNT', '50', 'BLOCK', '500', 'STREAMS', stream, '>'];
      const reply = (await client.call('XREADGROUP', ...args)) as [string, [string, string[]][]][] | null;
      const entries = reply?.[0]?.[1] ?? [];
      for (const [, fields] of entries) book.delivered(fields[1]!);
      for (const [id, fields] of entries)
        if ((await client.call('XACK', stream, 'g', id)) === 1) book.acked(fields[1]!, gateway.port);
    } catch {
      await sleep(50);
    }
  }
  client?.disconnect();
}

async function reconnected(gateway: GatewayProcess, client: Redis | undefined): Promise<Redis> {
  if (client?.status === 'ready') return client;
  client?.disconnect();
  for (;;) {
    try {
      return await connect(gateway.port);
    } catch {
      await sleep(50);
    }
  }
}

async function kill(
  gateways: readonly GatewayProcess[],
  kills: number,
  pauseMs: number,
  book: Book,
  say: (text: string) => void,
): Promise<void> {
  for (let index = 0; index < kills; index++) {
    await sleep(pauseMs / 2);
    const victim = gateways[index % gateways.length]!;
    book.killed(victim.port);
    await victim.end('SIGKILL');
    say(`kill -9 number ${index + 1}`);
    await sleep(pauseMs / 2);
    await victim.run();
  }
}

/** What must not be. */
export function failures({ missing, againLate }: LedgerResult): Partial<LedgerResult> {
  return { ...(missing > 0 ? { missing } : {}), ...(againLate > 0 ? { againLate } : {}) };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: { ids: { type: 'string', default: '20000' }, kills: { type: 'string', default: '10' } },
  });
  const say = (text: string) => console.log(text);
  const result = await runLedger({ ids: Number(values.ids), kills: Number(values.kills), pauseMs: 8_000, say });
  console.log(result);
  process.exitCode = Object.keys(failures(result)).length > 0 ? 1 : 0;
}
