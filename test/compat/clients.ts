// Runs the client libraries of the catalogue against a gateway on a real Kafka, and writes what each can do into docs/CLIENTS.md.
// node build/test/compat/clients.js [--only 'ioredis 6,redis-py 8'] [--verbose]. Builds are kept in ~/.cache/rafka/compat.
// With --strings the gateway has resp.blpopNumbers: strings, and nothing is written: the step blpop shows who can read it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { whyNoCommand } from '../support/needs.js';
import { type Client, clients, installPython, type Language, languages, notRun } from './catalogue.js';
import { type Result, writeTable } from './table.js';

const root = join(import.meta.dirname, '../../..');
const sources = join(root, 'test/compat/clients');
const resultsFile = join(sources, 'results.json');
const cache = join(process.env.RAFKA_CACHE ?? join(homedir(), '.cache/rafka'), 'compat');
/** A program that takes longer hangs. */
const programTimeoutMs = 120_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    strings: { type: 'boolean', default: false },
  },
});

/** Copies and builds a language's folder. @returns why it cannot be run here; undefined if it can */
function whyNot(folder: string, language: Language): string | undefined {
  const missing = language.needs.map(whyNoCommand).find((why) => why !== undefined);
  if (missing !== undefined) return missing;
  const dir = join(cache, folder);
  mkdirSync(dir, { recursive: true });
  cpSync(join(sources, folder), dir, { recursive: true });
  try {
    language.build?.(dir);
    return undefined;
  } catch (error) {
    console.error(error);
    return `its build fails: ${lastLine(String((error as { stderr?: unknown }).stderr ?? error))}`;
  }
}

/** What the program of one client printed, as a result. */
async function run(client: Client, port: number): Promise<Result> {
  const dir = join(cache, client.folder);
  const steps: Record<string, string> = {};
  let version = '';
  const env = client.pip === undefined ? {} : installPython(dir, client.pip);
  const [program, ...fixed] = client.program;
  const name = `${client.name.replaceAll(/[^a-z0-9]+/gi, '-')}-${Date.now()}`.toLowerCase();
  const args = [...fixed, String(port), name, ...(client.last === undefined ? [] : [client.last])];
  const child = spawn(program!, args, { cwd: dir, env: { ...process.env, ...env } });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), programTimeoutMs);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (values.verbose) console.log(`  ${line}`);
    const [word, step, ...rest] = line.split(' ');
    if (word === 'version') version = step!;
    else if (word === 'ok' || word === 'no') steps[step!] = [word, ...rest].join(' ');
  });
  const end = await ended(child);
  clearTimeout(tooLong);
  if (end !== 0) steps.end = `no ${lastLine(errors) || end}`;
  return { language: client.language, version, date: new Date().toISOString().slice(0, 10), steps };
}

const ended = (child: ChildProcess): Promise<number | string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal ?? ''));
  });

const lastLine = (output: string): string => output.trim().split('\n').at(-1) ?? '';

async function main(): Promise<void> {
  const results = JSON.parse(readFileSync(resultsFile, 'utf8')) as Record<string, Result>;
  const chosen = clients.filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
  const server = await KafkaServer.start();
  const config = {
    general: { 'bootstrap.servers': server.brokers },
    consumer: { 'auto.offset.reset': 'earliest' },
    resp: { blpopNumbers: values.strings ? 'strings' : 'integers' },
  };
  const gateway = await GatewayProcess.start({ config });
  const reasons = new Map<string, string | undefined>();
  try {
    for (const client of chosen) {
      const { folder } = client;
      if (!reasons.has(folder)) reasons.set(folder, whyNot(folder, languages[folder]));
      const why = reasons.get(folder);
      if (why !== undefined) {
        console.log(`${client.name}: not run, ${why}`);
        continue;
      }
      const result = await run(client, gateway.port);
      results[client.name] = result;
      console.log(`${client.name} ${result.version}: ${summary(result)}`);
    }
  } finally {
    await gateway.stop();
    await server.stop();
  }
  if (values.strings) return;
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
  writeTable(
    clients.map(({ name }) => name),
    results,
    notRun,
  );
  execFileSync(join(root, 'node_modules/.bin/biome'), ['check', '--write', resultsFile], { stdio: 'ignore' });
}

function summary({ steps }: Result): string {
  const failed = Object.entries(steps).filter(([, text]) => !text.startsWith('ok'));
  const list = failed.map(([step, text]) => `${step}: ${text.slice(3)}`).join('; ');
  return `${Object.keys(steps).length - failed.length} steps${list && `, not ${list}`}`;
}

await main();
