// Compiles and runs the tests: all, or those whose path holds an argument (`npm test -- unit/kafka`). Says every skip and its reason.
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { compileTests } from './compile.mjs';
import { kafkaLibs } from './fetch-kafka.mjs';

const FILE_TIMEOUT_MS = 10 * 60_000;
const testDir = join(dirname(import.meta.dirname), 'build/test');

compileTests();
const wanted = process.argv.slice(2);
const files = readdirSync(testDir, { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  // The quick ones first.
  .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
  .map((name) => join(testDir, name));

process.env.RAFKA_KAFKA_LIBS ??= kafkaLibs();
const totals = {};
const skips = [];
const failures = [];
const events = run({ files, concurrency: Math.min(Math.max(availableParallelism(), 2), 4), timeout: FILE_TIMEOUT_MS });
events.on('test:diagnostic', ({ nesting, message }) => {
  const [, name, count] = /^(tests|pass|fail|cancelled|skipped|todo) (\d+)$/.exec(message) ?? [];
  if (nesting === 0 && name) totals[name] = Number(count);
});
events.on('test:pass', (test) => {
  if (test.skip !== undefined) skips.push(`${test.name}: ${test.skip === true ? 'no reason given' : test.skip}`);
});
events.on('test:fail', (test) => {
  if (test.todo === undefined && test.details?.error?.failureType !== 'subtestsFailed')
    failures.push(`${test.file ?? ''} ${test.name}`);
});
events.compose(new spec()).pipe(process.stdout);
process.on('exit', report);

function rank(name) {
  return ['house', 'unit', 'conformance'].findIndex((part) => name.startsWith(part)) + 1 || 9;
}

function report() {
  const { tests = 0, pass = 0, fail = 0, cancelled = 0, skipped = 0 } = totals;
  for (const line of skips) console.log(`skipped  ${line}`);
  for (const line of failures) console.log(`FAILED  ${line}`);
  console.log(`${pass} passed, ${fail + cancelled} failed, ${skipped} skipped`);
  if (tests === 0) console.log('no test ran');
  if (fail + cancelled > 0 || tests === 0) process.exitCode = 1;
}
