// The Kafka client with AddressSanitizer and UndefinedBehaviorSanitizer, or with ThreadSanitizer, under the tests that use it most.
// `node scripts/sanitize.mjs [address] [thread] [word ...]`: both without a name; words select test files by a part of their path.
// Ends with exit code 1 when a test fails or a sanitizer reports something new. Builds are kept in the cache, outside the tree.
import { spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { compileTests } from './compile.mjs';
import { kafkaLibs } from './fetch-kafka.mjs';
import { sanitizedClient } from './native.mjs';
import { cacheRoot } from './node.mjs';

const root = dirname(import.meta.dirname);
const testDir = join(root, 'build/test');
const lists = join(root, 'test/sanitizers');
/** The port suite on a real and on the embedded Kafka, calls of the addon, and answers of a broker that lies. */
const files = ['e2e/kafka/', 'e2e/altered-answers', 'unit/kafka/'];
/** A sanitizer makes a test some times slower; a file that takes longer hangs, ms. */
const fileTimeoutMs = 15 * 60_000;
/** Lines of a report, and of a failed test's output, that are shown; the file has all. */
const shownLines = 60;

/** What is loaded before Node, and each sanitizer's settings. */
const sanitizers = {
  address: {
    // Node brings a libstdc++ of its own, in which the sanitizer does not find what it intercepts.
    preload: ['libasan.so', 'libstdc++.so'],
    // Node itself does not free everything at its end.
    options: (common) => ({ ASAN_OPTIONS: `${common}:detect_leaks=0`, UBSAN_OPTIONS: 'print_stacktrace=1' }),
  },
  thread: {
    preload: ['libtsan.so'],
    options: (common) => ({ TSAN_OPTIONS: `${common}:history_size=4:suppressions=${join(lists, 'thread.txt')}` }),
  },
};

const say = (line) => console.error(`sanitize: ${line}`);

/** Runs the tests with one sanitizer. @returns {Promise<boolean>} whether all passed without a report */
async function run(name, words) {
  const folder = join(cacheRoot(), `sanitized-${name}`);
  const reports = join(folder, 'reports');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  place(await sanitizedClient(name, say), folder);
  const env = environment(name, folder, reports);
  const failed = filesOf(words).filter((file) => !runFile(name, file, env, reports));
  const found = reportsOf(reports, folder);
  for (const text of found) console.log(`${text}\n`);
  say(`${name}: ${failed.length} files with failed tests, ${found.length} reports; all output: ${reports}`);
  return failed.length === 0 && found.length === 0;
}

function environment(name, folder, reports) {
  const { preload, options } = sanitizers[name];
  return {
    ...process.env,
    ...options(`log_path=${join(reports, 'report')}:halt_on_error=0:exitcode=0`),
    LD_PRELOAD: preload.map(libraryOf).join(' '),
    // The package `bindings` looks there before it takes the addon that is installed.
    NODE_BINDINGS_COMPILED_DIR: relative(join(root, 'node_modules/node-rdkafka'), folder),
  };
}

/** @returns {boolean} whether its tests passed */
function runFile(name, file, env, reports) {
  const log = join(reports, `${relative(testDir, file).replaceAll('/', '-')}.log`);
  // What tests start gets no sanitizer: brokers are Java, and other Nodes load the addon that is installed.
  const once = 'delete process.env.LD_PRELOAD; delete process.env.NODE_BINDINGS_COMPILED_DIR';
  const alone = ['--import', 'node-rdkafka', '--import', `data:text/javascript,${once}`];
  const out = openSync(log, 'w');
  // ThreadSanitizer needs its own parts of the address space, which must not be moved into at random.
  const { status, signal } = spawnSync('setarch', ['-R', process.execPath, ...alone, file], {
    cwd: root,
    env,
    stdio: ['ignore', out, out],
    timeout: fileTimeoutMs,
  });
  closeSync(out);
  const text = readFileSync(log, 'utf8');
  const counts = text.match(/(?<=^ℹ )(pass|fail|skipped) \d+/gm);
  say(`${name}: ${relative(testDir, file)}: ${counts?.join(', ') ?? 'did not end'}`);
  if (status !== 0)
    console.log(`${log}: ended with ${signal ?? status}\n${text.split('\n').slice(-shownLines).join('\n')}`);
  return status === 0 && counts !== null;
}

/** Reports of what is not known yet. UndefinedBehaviorSanitizer writes to stderr, whatever `log_path` says. */
function reportsOf(reports, folder) {
  const known = readFileSync(join(lists, 'known.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => new RegExp(line, 's'));
  const found = [];
  for (const name of readdirSync(reports)) {
    const text = readFileSync(join(reports, name), 'utf8');
    const texts = name.startsWith('report.')
      ? text.split(/^={18,}$/m).filter((part) => /WARNING: |ERROR: /.test(part))
      : (text.match(/^.*: runtime error: .*$/gm) ?? []);
    found.push(
      ...texts.map((report) => named(report, folder)).filter((report) => !known.some((one) => one.test(report))),
    );
  }
  return found;
}

/** A report's start, to the places of both accesses, with the names that ThreadSanitizer lacks for libraries loaded after its first report. */
function named(report, folder) {
  const start = report
    .split(/\n\n {2}(?:Location|Mutex|Thread) /)[0]
    .split('\n')
    .slice(0, shownLines)
    .join('\n');
  return start.replace(/<null> \((\S+)\+(0x[0-9a-f]+)\)/g, (frame, module, address) => {
    const file = readdirSync(folder, { recursive: true }).find((path) => path.endsWith(`/${module}`));
    if (file === undefined) return frame;
    // A stack has where calls return to: the call stands before it.
    const call = `0x${(Number(address) - 1).toString(16)}`;
    return spawnSync('addr2line', ['-Cfspe', join(folder, file), call], { encoding: 'utf8' }).stdout.trim();
  });
}

/** As `bindings` looks for a compiled addon, and the addon for librdkafka. */
function place({ addon, libraries }, folder) {
  const platform = join(folder, process.versions.node, process.platform);
  cpSync(addon, join(platform, process.arch), { recursive: true });
  cpSync(libraries, join(platform, 'deps'), { recursive: true });
}

/** @returns {string} path of a library of the compiler's */
function libraryOf(name) {
  const { stdout } = spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' });
  return realpathSync(stdout.trim());
}

function filesOf(words) {
  const wanted = words.length === 0 ? files : words;
  return readdirSync(testDir, { recursive: true })
    .filter((name) => name.endsWith('.test.js') && wanted.some((part) => name.includes(part)))
    .sort()
    .map((name) => join(testDir, name));
}

compileTests();
process.env.RAFKA_KAFKA_LIBS ??= kafkaLibs();
const given = process.argv.slice(2);
const names = Object.keys(sanitizers).filter((name) => given.includes(name));
const words = given.filter((word) => !(word in sanitizers));
for (const name of names.length > 0 ? names : Object.keys(sanitizers))
  if (!(await run(name, words))) process.exitCode = 1;
