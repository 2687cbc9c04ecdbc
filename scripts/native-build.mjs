// Builds librdkafka, and node-rdkafka's addon on top of it, each in a scratch folder of the cache, and keeps what is needed later.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { applyPatch } from './apply-patch.mjs';
import { onPath } from './native-tools.mjs';
import { cacheRoot, headersFolder } from './node.mjs';
import { fetchPackage, findNpm, unpack } from './registry.mjs';

const root = dirname(import.meta.dirname);

/** Of scripts/sanitize.mjs: without C11's threads, which ThreadSanitizer does not know, and without libraries that it could not see into. */
const sanitized = ['--disable-c11threads', '--disable-gssapi', '--disable-curl'];
/** Node has no type information of C++'s, which the check `vptr` would need. */
const undefinedBehaviour = '-fsanitize=undefined -fno-sanitize=vptr';

/**
 * How librdkafka is built: for this machine, with what it has; for packages, which run on others; and with a compiler's sanitizer, which
 * the addon gets too. Parts of the cache's key.
 */
export const recipes = {
  local: { configure: [] },
  // Kerberos takes plug-ins of the machine's own libsasl2, so it is left out; PLAIN, SCRAM and OAUTHBEARER are librdkafka's own.
  portable: { configure: ['--disable-gssapi', '--disable-curl'], static: ['ssl', 'crypto', 'zstd', 'z'] },
  address: { configure: sanitized, sanitizer: `-fsanitize=address ${undefinedBehaviour}` },
  thread: { configure: sanitized, sanitizer: '-fsanitize=thread' },
};

const jobs = String(Math.min(availableParallelism(), 8));

/**
 * librdkafka from its pinned sources: `keep` gets lib/librdkafka.so.1, lib/librdkafka++.so.1, include/ and LICENSES.txt.
 * @throws Error when the sources are not the pinned ones, a patch does not fit, or the build fails
 */
export async function buildLibrdkafka({ pinned, patches, recipe, keep, say }) {
  await inScratch('librdkafka', keep, async (scratch) => {
    const { package: name, version, integrity } = pinned;
    const source = join(scratch, 'package/deps/librdkafka');
    const tarball = fetchPackage({ name, version, integrity }, join(scratch, 'fetch'));
    unpack(tarball, join(scratch, 'package'), ['deps/librdkafka']);
    patchAll(patches, source);
    say('Kafka client: building librdkafka from source, about 4 minutes, once per machine');
    const log = buildLog('librdkafka', say);
    const step = (command, ...args) => run([command, ...args], { cwd: source, log, recipe });
    await timed('librdkafka', log, say, async () => {
      if ((await step('./configure', ...recipe.configure)) !== 0) return false;
      const libs = recipe.static ? [`LIBS=${staticLibs(recipe.static)}`] : [];
      const made = async (count) =>
        (await step('make', `-j${count}`, '-C', 'src', 'lib', ...libs)) === 0 &&
        (await step('make', `-j${count}`, '-C', 'src-cpp', 'lib')) === 0;
      // Its makefile has been seen to race with itself; one job at a time it goes on from where it stopped.
      return (await made(jobs)) || (await made(1));
    });
    const kept = join(scratch, 'keep');
    keepFiles(source, join(kept, 'lib'), ['src/librdkafka.so.1', 'src-cpp/librdkafka++.so.1'], recipe);
    keepFiles(source, kept, ['LICENSES.txt']);
    keepFiles(source, join(kept, 'include'), ['src/rdkafka.h', 'src/rdkafka_mock.h', 'src-cpp/rdkafkacpp.h']);
    return kept;
  });
}

/** Arguments of the linker. Their symbols stay inside of librdkafka: Node has an OpenSSL and a zlib of its own. */
function staticLibs(names) {
  return ['-Wl,--exclude-libs,ALL', ...names.map((name) => `-l:lib${name}.a`), '-lm', '-lpthread', '-ldl', '-lrt'].join(
    ' ',
  );
}

/** node-rdkafka's addon for the Node that runs this: `keep` gets node-librdkafka.node. @throws Error as above */
export async function buildAddon({ packageDir, patches, librdkafka, recipe, keep, say }) {
  await inScratch('addon', keep, async (scratch) => {
    const source = join(scratch, 'node_modules/node-rdkafka');
    const unneeded = ['build', 'deps', 'lib/binding'].map((name) => join(packageDir, name));
    cpSync(packageDir, source, { recursive: true, filter: (path) => !unneeded.includes(path) });
    // Patches are of node-rdkafka as it is published.
    cpSync(join(packageDir, 'deps/librdkafka.gyp'), join(source, 'deps/librdkafka.gyp'));
    cpSync(join(root, 'native'), join(source, 'native'), { recursive: true });
    patchAll(patches, source);
    cpSync(librdkafka, join(source, 'deps/librdkafka'), { recursive: true });
    for (const name of ['nan', 'bindings', 'file-uri-to-path'])
      symlinkSync(realpathSync(join(root, 'node_modules', name)), join(scratch, 'node_modules', name));
    say(`Kafka client: building the addon for Node ${process.versions.node.split('.')[0]}`);
    const log = buildLog('addon', say);
    const nodedir = `--nodedir=${headersFolder(say)}`;
    const gyp = [process.execPath, findNpm('node_modules/node-gyp/bin/node-gyp.js'), 'rebuild', nodedir];
    await timed('addon', log, say, async () => (await run(gyp, { cwd: source, log, recipe })) === 0);
    const kept = join(scratch, 'keep');
    keepFiles(source, kept, ['build/Release/node-librdkafka.node'], recipe);
    return kept;
  });
}

/** Runs `work` in a folder of its own, and puts the folder that it returns where `keep` says. */
async function inScratch(name, keep, work) {
  const scratch = join(cacheRoot(), `build-${name}-${process.pid}`);
  try {
    const kept = await work(scratch);
    // Another setup may have finished first; its build is as good as ours.
    if (!existsSync(keep)) renameSync(kept, keep);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @throws Error naming the patch that does not fit */
function patchAll(patches, source) {
  for (const { name, text } of patches) {
    try {
      applyPatch(text, source);
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
  }
}

/** Where a build's output goes; begun anew. */
function buildLog(name, say) {
  const log = join(cacheRoot(), `build-${name}.log`);
  closeSync(openSync(log, 'w'));
  say(`Kafka client: the build's output goes to ${log}`);
  return log;
}

/** Says how long it takes, every minute. @param work returns whether it went well. @throws Error with the log's end if not */
async function timed(what, log, say, work) {
  const started = Date.now();
  const minutes = () => `${((Date.now() - started) / 60_000).toFixed(1)} min`;
  const ticker = setInterval(() => say(`Kafka client: still building (${minutes()})`), 60_000);
  try {
    if (await work()) return say(`Kafka client: ${what} built in ${minutes()}`);
  } finally {
    clearInterval(ticker);
  }
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-25).join('\n');
  throw new Error(`the native build failed; the end of ${log}:\n${tail}`);
}

/** @returns {Promise<number | null>} exit status */
function run([command, ...args], { cwd, log, recipe }) {
  const out = openSync(log, 'a');
  const child = spawn(command, args, { cwd, env: buildEnvironment(process.env, recipe), stdio: ['ignore', out, out] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => {
      closeSync(out);
      resolve(status);
    });
  });
}

/** Without what npm exports to what it runs, or somebody has set for another build. */
export function buildEnvironment(of = process.env, { sanitizer } = {}) {
  const env = { ...of, JOBS: jobs };
  // Inherited make flags make librdkafka's configure fail.
  delete env.MAKEFLAGS;
  // These could name the headers of another Node, or another Node.
  const misleading =
    /^npm_(config|package_config_node_gyp)_(nodedir|target|target_arch|arch|runtime|dist_?url|devdir)$/i;
  for (const name of Object.keys(env)) if (misleading.test(name)) delete env[name];
  // node-gyp's makefiles call it by name.
  env.PATH = `${dirname(process.execPath)}:${env.PATH ?? ''}`;
  if (sanitizer) {
    env.CFLAGS = env.CXXFLAGS = `${sanitizer} -fno-omit-frame-pointer -g -O1`;
    env.LDFLAGS = sanitizer;
  }
  return env;
}

/** Of some 500 MB only these are needed later. Debug information is left out when `strip` is there, unless a sanitizer names lines by it. */
function keepFiles(source, folder, files, { sanitizer } = {}) {
  mkdirSync(folder, { recursive: true });
  for (const file of files) {
    const target = join(folder, file.split('/').at(-1));
    cpSync(join(source, file), target, { dereference: true });
    if (!sanitizer && /\.(so\.1|node)$/.test(file) && onPath('strip')) spawnSync('strip', ['--strip-debug', target]);
  }
}
