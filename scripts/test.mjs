// Compiles and runs the tests: all, or those whose path holds an argument (`npm test -- unit/kafka`). Says every skip and its reason.
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

compileTests();
process.env.RAFKA_KAFKA_LIBS ??= kafkaLibs();
const wanted = process.argv.slice(2);
const files = readdirSync(testDir, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort();
// These start brokers and gateways of their own, and wait for them: one file at a time, or they starve each other.
const heavy = (name) => /^(e2e|fuzz|campaign)/.test(name);

const totals = { tests: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0 };
const skips = [];
const failures = [];
await runFiles(
  files.filter((name) => !heavy(name)),
  Math.min(Math.max(availableParallelism(), 2), 4),
);
await runFiles(files.filter(heavy), Math.max(1, Math.floor(availableParallelism() / 2)));
report();

async function runFiles(names, concurrency) {
  if (names.length === 0) return;
  const events = run({ files: names.map((name) => join(testDir, name)), concurrency, timeout: FILE_TIMEOUT_MS });
  events.on('test:diagnostic', ({ nesting, message }) => {
    const [, name, count] = /^(tests|pass|fail|cancelled|skipped) (\d+)$/.exec(message) ?? [];
    if (nesting === 0 && name) totals[name] += Number(count);
    // What Node says of an error that came after its test had ended; the file fails for it.
    if (message.startsWith('Error: ')) failures.push(message);
  });
  events.on('test:pass', (test) => {
    if (test.skip !== undefined) skips.push(`${test.name}: ${test.skip === true ? 'no reason given' : test.skip}`);
  });
  events.on('test:fail', (test) => {
    if (test.details?.error?.failureType === 'subtestsFailed') return;
    const { exitCode, signal } = test.details?.error ?? {};
    const file = relative(testDir, test.file ?? '');
    // A file fails as a whole when its process ends badly, its tests or no: a crash, an error that came after the last of them.
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
