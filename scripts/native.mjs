// Builds the Kafka client once and keeps what run time needs in a cache outside the tree; installs it from there. It is node-rdkafka's
// binding and a newer librdkafka, both with patches/, and our own calls in native/.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { applyPatch } from './apply-patch.mjs';

const root = dirname(import.meta.dirname);
const packageDir = join(root, 'node_modules/node-rdkafka');
const installedKey = join(packageDir, 'build/rafka-key');
// Pinned, so they are known before anything is installed.
const { dependencies, librdkafka } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const version = dependencies['node-rdkafka'];

/** What the build cannot do without, and the Debian package each comes from. */
const needs = [
  { apt: 'python3', command: 'python3' },
  { apt: 'make', command: 'make' },
  { apt: 'g++', command: 'g++' },
  { apt: 'libssl-dev', header: 'openssl/ssl.h' },
  { apt: 'zlib1g-dev', header: 'zlib.h' },
  { apt: 'libzstd-dev', header: 'zstd.h' },
];

/** Before anything is installed: is all there that a build needs, if there will be one? @throws Error naming what is missing */
export function checkTools() {
  const key = cacheKey();
  if (!isInstalled(key) && !existsSync(join(cacheRoot(), key))) requireTools();
}

/** Makes node-rdkafka loadable: already in place, from the cache, or by a build. @param {(line: string) => void} say */
export async function ensureNative(say) {
  const key = cacheKey();
  if (isInstalled(key) && loads()) return;
  const cached = join(cacheRoot(), key);
  if (existsSync(cached)) {
    installFrom(cached, key);
    if (loads()) return say(`Kafka client: taken from ${cached}`);
    say(`Kafka client: ${cached} does not load here; building it again`);
    rmSync(cached, { recursive: true, force: true });
  }
  await build(cached, say);
  installFrom(cached, key);
  if (!loads()) throw new Error(`node-rdkafka was built but does not load; try: node -e "require('node-rdkafka')"`);
}

/** The patches of one source, in their order. @param {'node-rdkafka' | 'librdkafka'} source */
function patchesOf(source) {
  const folder = join(root, 'patches', source);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => ({ name: `patches/${source}/${name}`, text: readFileSync(join(folder, name), 'utf8') }));
}

const isInstalled = (key) => existsSync(installedKey) && readFileSync(installedKey, 'utf8') === key;

/** Where builds are kept: RAFKA_CACHE, else ~/.cache/rafka (XDG_CACHE_HOME counts). */
export function cacheRoot() {
  return process.env.RAFKA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rafka');
}

/** Everything that a build depends on: versions, patches, our own calls, and the Node that loads it. */
function cacheKey() {
  process.report.excludeNetwork = true;
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  const hash = createHash('sha256').update(JSON.stringify(librdkafka));
  for (const { name, text } of [...patchesOf('node-rdkafka'), ...patchesOf('librdkafka')])
    hash.update(name).update(text);
  for (const name of readdirSync(join(root, 'native')).sort())
    hash.update(name).update(readFileSync(join(root, 'native', name)));
  const digest = hash.digest('hex').slice(0, 12);
  return `node-rdkafka-${version}-${digest}-abi${process.versions.modules}-${process.platform}-${process.arch}-${libc}`;
}

/** Copies, because a cache may be cleared while the gateway runs. */
function installFrom(cached, key) {
  rmSync(join(packageDir, 'build'), { recursive: true, force: true });
  cpSync(cached, join(packageDir, 'build'), { recursive: true, verbatimSymlinks: true });
  writeFileSync(installedKey, key);
}

function loads() {
  const check = spawnSync(process.execPath, ['-e', "require('node-rdkafka')"], { cwd: root, stdio: 'ignore' });
  return check.status === 0;
}

async function build(cached, say) {
  requireTools();
  mkdirSync(cacheRoot(), { recursive: true });
  const scratch = join(cacheRoot(), `build-${process.pid}`);
  const log = join(cacheRoot(), 'build.log');
  try {
    const source = join(scratch, 'node_modules/node-rdkafka');
    const old = join(packageDir, 'deps/librdkafka');
    const unneeded = [join(packageDir, 'build'), old];
    cpSync(packageDir, source, { recursive: true, filter: (path) => !unneeded.includes(path) });
    fetchLibrdkafka(join(scratch, 'fetch'), join(source, 'deps/librdkafka'));
    cpSync(join(root, 'native'), join(source, 'native'), { recursive: true });
    for (const name of ['nan', 'bindings', 'file-uri-to-path']) {
      symlinkSync(realpathSync(join(root, 'node_modules', name)), join(scratch, 'node_modules', name));
    }
    patchAll('node-rdkafka', source);
    patchAll('librdkafka', join(source, 'deps/librdkafka'));
    say('Kafka client: building node-rdkafka and librdkafka from source, about 4 minutes, once per machine');
    say(`Kafka client: the build's output goes to ${log}`);
    await compile(source, log, say);
    keepRuntime(source, join(scratch, 'keep'));
    // Another setup may have finished first; its build is as good as ours.
    if (!existsSync(cached)) renameSync(join(scratch, 'keep'), cached);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @throws Error naming the patch that does not fit */
function patchAll(name, source) {
  for (const patch of patchesOf(name)) {
    try {
      applyPatch(patch.text, source);
    } catch (error) {
      throw new Error(`${patch.name}: ${error.message}`);
    }
  }
}

/** librdkafka's sources, from the package of the npm registry that carries them. @throws Error when it is not the pinned one */
function fetchLibrdkafka(scratch, target) {
  const { package: name, version: packageVersion, integrity } = librdkafka;
  mkdirSync(scratch, { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [findNpm('bin/npm-cli.js'), 'pack', `${name}@${packageVersion}`, '--json', '--loglevel=error'],
    { cwd: scratch, encoding: 'utf8' },
  );
  if (status !== 0)
    throw new Error(`librdkafka's sources (${name}@${packageVersion}) could not be fetched:\n${stderr}`);
  const tarball = join(scratch, JSON.parse(stdout)[0].filename);
  const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (found !== integrity)
    throw new Error(
      `${name}@${packageVersion} is not the pinned one: its integrity is ${found}, package.json says ${integrity}`,
    );
  const unpacked = spawnSync('tar', ['-xzf', tarball, 'package/deps/librdkafka'], { cwd: scratch, encoding: 'utf8' });
  if (unpacked.status !== 0)
    throw new Error(`tar could not unpack ${tarball}: ${unpacked.error?.message ?? unpacked.stderr}`);
  renameSync(join(scratch, 'package/deps/librdkafka'), target);
}

/** Names everything that is missing in one go. */
function requireTools() {
  if (process.platform !== 'linux') throw new Error('Rafka runs on Linux; elsewhere use the Docker image (see README)');
  const missing = needs.filter((need) => ('command' in need ? !onPath(need.command) : !headerFound(need.header)));
  if (missing.length === 0) return;
  const packages = needs.map((need) => need.apt).join(' ');
  throw new Error(
    `the native build needs what this machine lacks: ${missing.map((need) => need.apt).join(', ')}\n` +
      `  Debian, Ubuntu:  sudo apt-get install -y ${packages}\n` +
      '  (libsasl2-dev as well if your brokers use Kerberos; PLAIN and SCRAM need nothing more)',
  );
}

function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, command)));
}

function headerFound(header) {
  // Without a compiler nothing can be asked; apt's list names the compiler and the headers together.
  if (!onPath('g++')) return false;
  const probe = spawnSync('g++', ['-E', '-x', 'c++', '-'], {
    input: `#include <${header}>\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return probe.status === 0;
}

async function compile(cwd, log, say) {
  const headers = dirname(dirname(realpathSync(process.execPath)));
  const nodedir = existsSync(join(headers, 'include/node/node.h')) ? [`--nodedir=${headers}`] : [];
  const jobs = String(Math.min(availableParallelism(), 8));
  const started = Date.now();
  const minutes = () => `${((Date.now() - started) / 60_000).toFixed(1)} min`;
  const ticker = setInterval(() => say(`Kafka client: still building (${minutes()})`), 60_000);
  try {
    let status = await nodeGyp(['rebuild', ...nodedir], { cwd, log, jobs });
    // librdkafka's makefile has been seen to race with itself; one job at a time it goes on from where it stopped.
    if (status !== 0) status = await nodeGyp(['build', ...nodedir], { cwd, log, jobs: '1' });
    if (status === 0) return say(`Kafka client: built in ${minutes()}`);
  } finally {
    clearInterval(ticker);
  }
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-25).join('\n');
  throw new Error(`the native build failed; the end of ${log}:\n${tail}`);
}

/** @returns {Promise<number | null>} exit status */
function nodeGyp(args, { cwd, log, jobs }) {
  const out = openSync(log, args[0] === 'rebuild' ? 'w' : 'a');
  const env = { ...process.env, JOBS: jobs };
  // npm exports these to what it runs; inherited make flags make librdkafka's configure fail.
  delete env.MAKEFLAGS;
  // It could name the headers of another Node.
  delete env.npm_config_nodedir;
  const child = spawn(process.execPath, [findNpm('node_modules/node-gyp/bin/node-gyp.js'), ...args], {
    cwd,
    env,
    stdio: ['ignore', out, out],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => {
      closeSync(out);
      resolve(status);
    });
  });
}

/** A file of npm, which brings node-gyp: of the npm that runs us, the one beside node, or the one on the path. */
function findNpm(file) {
  const npms = [process.env.npm_execpath, join(dirname(process.execPath), 'npm')];
  for (const dir of (process.env.PATH ?? '').split(delimiter)) npms.push(join(dir, 'npm'));
  for (const npm of npms) {
    if (!npm || !existsSync(npm)) continue;
    const found = join(dirname(dirname(realpathSync(npm))), file);
    if (existsSync(found)) return found;
  }
  throw new Error('npm (which brings node-gyp) was not found; install Node.js together with npm');
}

/** Of some 500 MB only these are needed later. Debug information is left out when `strip` is there. */
function keepRuntime(source, keep) {
  const files = ['Release/node-librdkafka.node', 'deps/librdkafka.so.1', 'deps/librdkafka++.so.1'];
  for (const file of files) {
    mkdirSync(dirname(join(keep, file)), { recursive: true });
    cpSync(join(source, 'build', file), join(keep, file));
    if (onPath('strip')) spawnSync('strip', ['--strip-debug', join(keep, file)]);
  }
}
