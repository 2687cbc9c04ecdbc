// The campaigns in their long form, one after the other: ledgers, chaos, fuzz, sanitizers. Each is a program of its own that prints its
// figures and ends with exit code 1 when something was lost, came twice or crashed. Arguments select campaigns by a part of their name.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { compileTests } from './compile.mjs';
import { kafkaLibs } from './fetch-kafka.mjs';

/** Where the gateway listens that is fuzzed. */
const fuzzPort = 16_380;
const root = dirname(import.meta.dirname);
const testDir = join(root, 'build/test');

/** Program and arguments; the figures of their last runs stand in docs/RELIABILITY.md. */
const campaigns = [
  'campaign/ledger.js',
  'campaign/ledger.js --ids 20000 --kills 4 --terms 2 --broker-restarts 3 --nodes 3 --reset latest --grow 2 --recreate 3 --cut 3',
  'campaign/silent-reconnects.js',
  'campaign/new-topics.js --rounds 40',
  'campaign/new-topics.js --rounds 10 --nodes 3',
  'campaign/streams-ledger.js --ids 20000 --kills 10',
  'campaign/streams-ledger.js --ids 10000 --kills 10 --dialect latest --nodes 3 --troubles',
  'campaign/lists-ledger.js --dialect lists',
  'campaign/lists-ledger.js --dialect pairs',
  'campaign/ris-ha.js',
  'campaign/relay-chaos.js --minutes 10',
  'campaign/relay-chaos.js --failover --kills 10',
  'campaign/relay-foreign.js --minutes 8',
  'campaign/relay-foreign.js --pair --rounds 8',
  'campaign/altered-answers.js --per-question 200 --per-life 10',
  'campaign/kafka-versions.js',
  'campaign/package.js',
  'campaign/fresh-machine.js',
  'scripts/sanitize.mjs',
  `fuzz/resp.js --port ${fuzzPort} --frames 1000000 --monitors 4`,
];

/** A gateway on the embedded Kafka; resolves when it listens. @throws Error when it ends instead */
async function startGateway() {
  const bin = join(root, 'bin/rafka');
  const child = spawn(bin, ['--embedded', '--port', String(fuzzPort)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  const listening = new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway to be fuzzed ended with ${code}: ${log}`)));
    child.stderr.on('data', (chunk) => {
      if (log.length < 100_000) log += chunk;
      if (log.includes('listening')) resolve();
    });
  });
  await listening;
  return child;
}

compileTests();
process.env.RAFKA_KAFKA_LIBS ??= kafkaLibs();
const wanted = process.argv.slice(2);
const chosen = campaigns.filter((line) => wanted.length === 0 || wanted.some((part) => line.includes(part)));
const failed = [];
for (const line of chosen) {
  const [program, ...args] = line.split(' ');
  const started = Date.now();
  console.log(`nightly: ${line}`);
  const gateway = program.startsWith('fuzz/') ? await startGateway() : undefined;
  const file = join(program.startsWith('scripts/') ? root : testDir, program);
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  const [code, signal] = await once(child, 'exit');
  gateway?.kill();
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  console.log(`nightly: ${line}: ${code === 0 ? 'passed' : `ended with ${signal ?? code}`} after ${minutes} min`);
  if (code !== 0) failed.push(line);
}
for (const line of failed) console.log(`FAILED  ${line}`);
console.log(`${chosen.length - failed.length} campaigns passed, ${failed.length} failed`);
if (failed.length > 0 || chosen.length === 0) process.exitCode = 1;
