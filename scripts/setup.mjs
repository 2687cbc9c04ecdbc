// Brings a clone to the point where it runs: packages, the native Kafka client, compiled TypeScript. Quiet when all is in place.
// `--no-compile` leaves the last step out.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchFittingNode, isFitting, recordNode } from './node.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => console.error(`setup: ${line}`);

/** This Node is too old: a newer one does the same, and bin/with-node takes it from then on. @returns exit code */
function onFittingNode() {
  const program = fetchFittingNode(say);
  say(`Node ${process.versions.node} is too old (22.12 or newer is needed): going on with ${program}`);
  const child = spawn(program, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) recordNode(program);
      resolve(code ?? 1);
    });
  });
}

/** `npm ci` when node_modules is missing or was installed from another lock file. */
function installPackages() {
  const modules = join(root, 'node_modules');
  // A linked node_modules belongs to somebody else, and npm ci would empty it.
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const stamp = join(modules, '.rafka-lock');
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('installing packages (npm ci)');
  const { npm_execpath: cli = '' } = process.env;
  const npm = cli.endsWith('npm-cli.js') ? [process.execPath, cli] : ['npm'];
  run([...npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci');
  writeFileSync(stamp, hash);
}

/** Output goes to stderr: stdout belongs to what is started afterwards. */
function run([command, ...args], what) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) throw new Error(`${what} could not be started: ${error.message}`);
  if (status !== 0) throw new Error(`${what} failed`);
}

async function setUp() {
  // Only now: an older Node could not even load these.
  const { checkTools, ensureNative } = await import('./native.mjs');
  const { compileSource } = await import('./compile.mjs');
  checkTools(say);
  installPackages();
  await ensureNative(say);
  if (!process.argv.includes('--no-compile')) compileSource();
  return 0;
}

try {
  process.exitCode = isFitting() ? await setUp() : await onFittingNode();
} catch (error) {
  say(error.message);
  process.exit(1);
}
