// Clients that reconnect in silence (redis-rb, go-redis): the broker stands still for 14 s and their connections are cut meanwhile.
// What a DUMP 0, or an answer with `rpushx: delivered`, speaks for must be in Kafka; what is lost must have been counted by a DUMP.
// Run: node build/test/campaign/silent-reconnects.js [--rounds 4]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { hashed } from '../support/credentials.js';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { readTopic } from './ledger-audit.js';

const clients = join(import.meta.dirname, '../../../test/compat/clients');
const topic = 'reconnects';
const password = 'secret';
const haltMs = 14_000;
/** Between two halts, ms. */
const calmMs = 4_000;
const modes = ['queued', 'delivered'] as const;

type Mode = (typeof modes)[number];

/** A program of a library, and the books of what it was answered. */
class Writer {
  readonly name: string;
  readonly mode: Mode;
  /** Ids that a DUMP 0, or the answer itself, says are in Kafka. */
  readonly covered = new Set<string>();
  /** Ids that a DUMP did not say that of, with its number. */
  readonly counted: { readonly ids: readonly string[]; readonly left: number }[] = [];
  errors = 0;
  /** What it printed, and when. */
  readonly lines: string[] = [];
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(library: string, mode: Mode, command: readonly string[], port: number) {
    this.name = `${library}${mode}`;
    this.mode = mode;
    const [program, ...args] = command;
    this.#process = spawn(program!, [...args, String(port), this.name, password, mode], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#ended = once(this.#process, 'exit');
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#read(line));
  }

  /** It ends when it has been answered for what it has begun. */
  async end(): Promise<void> {
    this.#process.stdin!.end();
    const [code] = (await this.#ended) as [number | null];
    if (code !== 0) throw new Error(`${this.name} ended with ${code}`);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #read(line: string): void {
    this.lines.push(`${new Date().toISOString()} ${line}`);
    const [what, first, ...ids] = line.split(' ');
    if (what === 'error') this.errors += 1;
    else if (what === 'in') this.covered.add(first!);
    else if (first === '0') for (const id of ids) this.covered.add(id);
    else this.counted.push({ ids, left: Number(first) });
  }
}

interface ReconnectResult {
  readonly client: string;
  readonly covered: number;
  /** Covered, but not in the topic. Must be 0. */
  readonly missing: number;
  /** Ids of batches whose DUMP was not 0. */
  readonly counted: number;
  readonly lost: number;
  /** Lost beyond what their DUMP counted. Must be 0. */
  readonly uncounted: number;
  /** Errors that the library did not keep to itself. */
  readonly errors: number;
}

async function runSilentReconnects(rounds: number, say: (text: string) => void): Promise<ReconnectResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rafka-reconnects-'));
  const goredis = join(folder, 'goredis');
  execFileSync('go', ['build', '-o', goredis, './reconnects'], { cwd: join(clients, 'go'), stdio: 'inherit' });
  const libraries = { redisrb: ['ruby', join(clients, 'ruby/reconnects.rb')], goredis: [goredis] };
  const rights = { password: hashed(password), produce: ['*'], consume: ['*'], groups: ['*'] };
  const users = Object.keys(libraries).flatMap((library) =>
    modes.map((rpushx) => ({ name: `${library}${rpushx}`, ...rights, rpushx })),
  );
  const usersFile = join(folder, 'users.json');
  writeFileSync(usersFile, JSON.stringify([...users, { name: 'root', ...rights, admin: true }]));
  const server = await KafkaServer.start();
  const kafka = await openKafka(server.brokers);
  const gateway = await GatewayProcess.start({
    config: { general: { 'bootstrap.servers': server.brokers }, resp: { usersFile } },
  });
  const writers: Writer[] = [];
  try {
    await makeTopic(kafka, topic, 4);
    const login = { username: 'root', password };
    const root = await connect(gateway.port, undefined, login);
    for (const [library, command] of Object.entries(libraries))
      for (const mode of modes) writers.push(new Writer(library, mode, command, gateway.port));
    await eventually(60_000, () => writers.every(({ covered }) => covered.size > 0));
    for (let round = 1; round <= rounds; round++) {
      await pause(calmMs);
      server.pause();
      // By now each of them has been answered for its batch, or waits for Kafka.
      await pause(1_000);
      const cut = await root.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await pause(haltMs - 1_000);
      server.resume();
      say(`round ${round}: the broker stood still for ${haltMs / 1_000} s, ${cut} connections were cut`);
    }
    await pause(calmMs);
    await Promise.all(writers.map((writer) => writer.end()));
    root.disconnect();
    const covered = new Set(writers.flatMap((writer) => [...writer.covered]));
    const { counts } = await readTopic({ port: gateway.port, topic, covered, login });
    const isLost = (id: string): boolean => !counts.has(id);
    const missing = [...covered].filter(isLost);
    if (missing.length > 0) {
      const file = join(mkdtempSync(join(tmpdir(), 'rafka-reconnects-')), 'evidence.json');
      const told = writers.map(({ name, lines }) => ({ name, lines }));
      writeFileSync(file, JSON.stringify({ missing, told, log: gateway.lines }, null, 1));
      say(`missing ids, what the clients were told and the gateway's log: ${file}`);
    }
    return writers.map(({ name, covered: own, counted, errors }) => ({
      client: name,
      covered: own.size,
      missing: [...own].filter(isLost).length,
      counted: counted.reduce((sum, { ids }) => sum + ids.length, 0),
      lost: counted.reduce((sum, { ids }) => sum + ids.filter(isLost).length, 0),
      uncounted: counted.reduce((sum, { ids, left }) => sum + Math.max(0, ids.filter(isLost).length - left), 0),
      errors,
    }));
  } finally {
    for (const writer of writers) writer.kill();
    await gateway.stop();
    await kafka.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '4' } } });
  const results = await runSilentReconnects(Number(values.rounds), (text) => console.error(text));
  console.table(results);
  process.exitCode = results.some(({ missing, uncounted }) => missing + uncounted > 0) ? 1 : 0;
}
