// Compiles and runs the tests, and prints each skip with its reason. Without arguments: all of them. `--quick`: those that start no Kafka
// (unit, conformance, architecture, documents). Other arguments select the files whose path contains one of them (`npm test -- unit/kafka`).
// `--compiled` takes them as they were compiled last.
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { compileTests } from './compile.mjs';
import { kafkaLibs } from './fetch-kafka.mjs';

const FILE_TIMEOUT_MS = 15 * 60_000;
const testDir = join(dirname(import.meta.dirname), 'build/test');

const args = process.argv.slice(2);
if (!args.includes('--compiled')) compileTests();
process.env.RAFKA_KAFKA_LIBS ??= kafkaLibs();
const cores = availableParallelism();
const quick = args.includes('--quick');
const wanted = args.filter((argument) => !['--quick', '--compiled'].includes(argument));
const files = readdirSync(testDir, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort();
// These start brokers and gateways of their own, and wait for them most of the time: a few more at once than there are cores.
const heavy = (name) => /^(e2e|fuzz)/.test(name);

const totals = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0 };
const skips = [];
const failures = [];
await runFiles(
  files.filter((name) => !heavy(name)),
  Math.min(Math.max(cores, 2), 4),
);
// The longest (workers, RIS, the relay) stand last in the alphabet: backwards, none of them is left running alone.
if (!quick) await runFiles(files.filter(heavy).reverse(), Math.min(cores + 1, 6));
report();

async function runFiles(names, concurrency) {
  if (names.length === 0) return;
  const events = run({ files: names.map((name) => join(testDir, name)), concurrency, timeout: FILE_TIMEOUT_MS });
  events.on('test:diagnostic', ({ nesting, message }) => {
    const [, name, count] = /^(tests|pass|fail|cancelled|skipped) (\d+)$/.exec(message) ?? [];
    if (nesting === 0 && name) totals[name] += Number(count);
    // Node's text for an error after the end of its test; the file fails for it.
    if (message.startsWith('Error: ')) failures.push(message);
  });
  events.on('test:pass', (test) => {
    if (test.skip !== undefined) skips.push(`${test.name}: ${test.skip === true ? 'no reason given' : test.skip}`);
  });
  events.on('test:fail', (test) => {
    if (test.details?.error?.failureType === 'subtestsFailed') return;
    const { exitCode, signal } = test.details?.error ?? {};
    const file = relative(testDir, test.file ?? '');
    // A file fails as a whole if its process ends abnormally: a crash, or an error after the last test.
    const ended =
      exitCode !== undefined || signal ? `the process ended with ${signal ?? `exit code ${exitCode}`}` : test.name;
    failures.push(`${file}: ${ended}`);
  });
  const report = events.compose(new spec());
  report.pipe(process.stdout, { end: false });
  await once(report, 'end');
}

function report() {
  const { tests, pass, fail, cancelled, skipped } = totals;
  for (const line of skips) console.log(`skipped  ${line}`);
  for (const line of failures) console.log(`FAILED  ${line}`);
  console.log(`${pass} passed, ${fail + cancelled} failed, ${skipped} skipped`);
  if (tests === 0) console.log('no test ran');
  if (fail + cancelled > 0 || tests === 0) process.exitCode = 1;
}
