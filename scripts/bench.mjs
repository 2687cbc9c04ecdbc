// Runs the benchmarks in test/bench one after another and prints one table of the results: all of them, or those named
// (`npm run bench -- resp`); flags are passed on. `--quick`: short forms on one Kafka; without a name, only the gateway's hot paths.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileSource, compileTests } from './compile.mjs';

const build = join(dirname(import.meta.dirname), 'build/test');
const dir = join(build, 'bench');
const startedAt = performance.now();
compileSource();
compileTests();
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const isQuick = flags.includes('--quick');
const hotPaths = ['gateway-produce', 'gateway-consume', 'gateway-latency'];
const wanted = named.length === 0 && isQuick ? hotPaths : named;
const all = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.js')) : [];
const chosen = all.filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (chosen.length === 0) console.error(`no benchmark fits; there are: ${all.join(' ') || 'none'}`);

const { tableHead } = await import(join(dir, 'yardsticks/table.js'));
const kafka = isQuick && chosen.length > 0 ? await sharedKafka() : undefined;
const verdicts = { met: 0, missed: [] };
try {
  if (chosen.length > 0) console.log(tableHead);
  for (const name of chosen) await run(name);
} finally {
  await kafka?.stop();
}
const seconds = Math.round((performance.now() - startedAt) / 1_000);
console.error(`bench: ${verdicts.met} targets met, ${verdicts.missed.length} not; ${seconds} s in all`);
for (const what of verdicts.missed) console.error(`bench: not met: ${what}`);

/** One broker for all: starting one takes as long as a short measurement. */
async function sharedKafka() {
  const { KafkaServer } = await import(join(build, 'support/kafka-server.js'));
  return KafkaServer.start({ fast: true });
}

/** Benchmarks print rows of the table; other output goes to stderr. */
async function run(name) {
  console.error(`bench: ${name}`);
  const child = spawn(process.execPath, [...nodeFlags(name), join(dir, name), ...flags], {
    stdio: ['inherit', 'pipe', 'inherit'],
    env: {
      ...process.env,
      RAFKA_BENCH_ONE_TABLE: '1',
      ...(kafka ? { RAFKA_BENCH_BROKERS: kafka.brokers } : {}),
    },
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    console.log(line);
    const [what, ...cells] = line.split('|').slice(1, -1);
    if (cells.at(-1)?.trim() === 'yes') verdicts.met += 1;
    if (cells.at(-1)?.includes('no')) verdicts.missed.push(what.trim());
  }
  const [status] = await ended;
  if (status === 0) return;
  console.error(`bench: ${name} failed`);
  process.exitCode = 1;
}

/** ris-memory reads the heap size after a collection. */
function nodeFlags(name) {
  return name === 'ris-memory.js' ? ['--expose-gc'] : [];
}
