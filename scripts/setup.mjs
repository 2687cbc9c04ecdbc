// Brings a clone to the point where it runs: packages, the native Kafka client, compiled TypeScript. Quiet when all is in place.
// `--no-compile` leaves the last step out.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => console.error(`setup: ${line}`);

function checkNode() {
  const [major, minor, patch] = process.versions.node.split('.').map(Number);
  const old = major < 20 || (major === 20 && (minor < 19 || (minor === 19 && patch < 4)));
  if (old || major >= 26) throw new Error(`Node ${process.versions.node} does not fit: Rafka needs >=20.19.4 <26`);
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

try {
  checkNode();
  // Only now: an older Node could not even load these.
  const { checkTools, ensureNative } = await import('./native.mjs');
  const { compileSource } = await import('./compile.mjs');
  checkTools();
  installPackages();
  await ensureNative(say);
  if (!process.argv.includes('--no-compile')) compileSource();
} catch (error) {
  say(error.message);
  process.exit(1);
}
