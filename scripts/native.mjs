// The native Kafka client: node-rdkafka's binding on a newer librdkafka, both with patches/, and our own calls of native/.
// librdkafka is built once, the binding (the addon) once for each Node ABI on top of it; a cache outside the tree keeps both.
// They are installed where node-rdkafka looks for prebuilt addons, so that those of several Nodes stand side by side:
//   node_modules/node-rdkafka/lib/binding/{rafka-key, deps/librdkafka*.so.1, node-v<abi>-linux-<arch>/node-librdkafka.node}
// `node scripts/native.mjs FOLDER` is for packages: see placePortable.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildAddon, buildLibrdkafka, recipes } from './native-build.mjs';
import { requireTools } from './native-tools.mjs';
import { cacheRoot } from './node.mjs';

const root = dirname(import.meta.dirname);
const packageDir = join(root, 'node_modules/node-rdkafka');
const bindingDir = join(packageDir, 'lib/binding');
const abi = process.versions.modules;
const addonName = `node-v${abi}-${process.platform}-${process.arch}`;
// Pinned, so they are known before anything is installed.
const { dependencies, librdkafka: pin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const librdkafka = pinnedSources(pin);

/**
 * Before packages are installed: is all there that a build needs, if there will be one?
 * @param {(line: string) => void} say
 * @throws Error naming what is missing
 */
export function checkTools(say) {
  const keys = cacheKeys(recipes.local);
  if (isInstalled(keys)) return;
  if (!existsSync(cached(keys.librdkafka)) || !existsSync(cached(keys.addon))) requireTools(say);
}

/**
 * Makes node-rdkafka loadable for the Node that runs this: already in place, from the cache, or by a build.
 * @param {(line: string) => void} say
 */
export async function ensureNative(say) {
  const keys = cacheKeys(recipes.local);
  if (isInstalled(keys) && loadError() === undefined) return;
  const wasCached = existsSync(cached(keys.addon));
  await buildMissing(keys, say);
  install(keys, bindingDir);
  if (loadError() === undefined) return wasCached && say(`Kafka client: taken from ${cached(keys.addon)}`);
  if (wasCached) {
    say(`Kafka client: what ${cacheRoot()} holds does not load here; building it again`);
    for (const key of [keys.addon, keys.librdkafka]) rmSync(cached(key), { recursive: true, force: true });
    await buildMissing(keys, say);
    install(keys, bindingDir);
  }
  const error = loadError();
  if (error !== undefined) throw new Error(`the Kafka client was built but does not load: ${error}`);
}

/** For a package: the client for the Node that runs this as it runs on other machines too, into a folder as lib/binding. */
export async function placePortable(folder, say) {
  const keys = cacheKeys(recipes.portable);
  await buildMissing(keys, say);
  install(keys, folder);
}

/**
 * For scripts/sanitize.mjs: the client with a sanitizer in it, for the Node that runs this.
 * @param {'address' | 'thread'} name
 * @returns {Promise<{ addon: string, libraries: string }>} the folder of node-librdkafka.node, and that of librdkafka
 */
export async function sanitizedClient(name, say) {
  const keys = cacheKeys(recipes[name]);
  await buildMissing(keys, say);
  return { addon: cached(keys.addon), libraries: join(cached(keys.librdkafka), 'lib') };
}

async function buildMissing(keys, say) {
  if (!existsSync(cached(keys.librdkafka))) {
    requireTools(say);
    const sources = { pinned: librdkafka, patches: patchesOf('librdkafka'), recipe: keys.recipe };
    await buildLibrdkafka({ ...sources, keep: cached(keys.librdkafka), say });
  }
  if (!existsSync(cached(keys.addon))) {
    requireTools(say);
    const sources = { packageDir, patches: patchesOf('node-rdkafka'), librdkafka: cached(keys.librdkafka) };
    await buildAddon({ ...sources, recipe: keys.recipe, keep: cached(keys.addon), say });
  }
}

/** @param {string} text `<npm package>@<version> <integrity>`: the one line that says which librdkafka it is */
function pinnedSources(text) {
  const { name, version, integrity } =
    /^(?<name>@?[^@\s]+)@(?<version>\S+) (?<integrity>sha512-\S+)$/.exec(text)?.groups ?? {};
  if (!integrity) throw new Error(`package.json: librdkafka: "${text}" is not <package>@<version> sha512-<integrity>`);
  return { package: name, version, integrity };
}

/** The patches of one source, in their order. @param {'node-rdkafka' | 'librdkafka'} source */
function patchesOf(source) {
  const folder = join(root, 'patches', source);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => ({ name: `patches/${source}/${name}`, text: readFileSync(join(folder, name), 'utf8') }));
}

const cached = (key) => join(cacheRoot(), key);

function isInstalled({ sources }) {
  return existsSync(join(bindingDir, addonName)) && keyOf(bindingDir) === sources;
}

/** The sources that the addons of a folder were built from. */
function keyOf(folder) {
  const file = join(folder, 'rafka-key');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Names of what is built: each has in it all that the build depends on. `sources` is what is installed, the same for every Node. */
export function cacheKeys(recipe) {
  process.report.excludeNetwork = true;
  const libc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  const platform = `${process.platform}-${process.arch}-${libc}`;
  const hash = createHash('sha256').update(JSON.stringify(librdkafka));
  for (const { name, text } of patchesOf('librdkafka')) hash.update(name).update(text);
  const digest = (of) => of.digest('hex').slice(0, 12);
  const library = `librdkafka-${digest(hash.copy().update(JSON.stringify(recipe)))}-${platform}`;
  // An addon only knows librdkafka's headers: it fits however that was built, but for sanitizers.
  for (const { name, text } of patchesOf('node-rdkafka')) hash.update(name).update(text);
  for (const name of readdirSync(join(root, 'native')).sort())
    hash.update(name).update(readFileSync(join(root, 'native', name)));
  if (recipe.sanitizer) hash.update(JSON.stringify(recipe));
  const addons = `node-rdkafka-${dependencies['node-rdkafka']}-${digest(hash)}-${platform}`;
  return { recipe, librdkafka: library, addon: `${addons}-abi${abi}`, sources: `${library} ${addons}` };
}

/** Copies, because a cache may be cleared while the gateway runs. Addons of other Nodes stay if they are of the same sources. */
function install(keys, folder) {
  // Where node-rdkafka's own installation builds, which is looked for first.
  if (folder === bindingDir) rmSync(join(packageDir, 'build'), { recursive: true, force: true });
  if (keyOf(folder) !== keys.sources) rmSync(folder, { recursive: true, force: true });
  // A library that a running gateway has mapped must not be written into.
  for (const name of [addonName, 'deps']) rmSync(join(folder, name), { recursive: true, force: true });
  cpSync(join(cached(keys.librdkafka), 'lib'), join(folder, 'deps'), { recursive: true });
  cpSync(join(cached(keys.librdkafka), 'LICENSES.txt'), join(folder, 'deps/LICENSES.txt'));
  cpSync(cached(keys.addon), join(folder, addonName), { recursive: true });
  writeFileSync(join(folder, 'rafka-key'), keys.sources);
}

/** @returns {string | undefined} why the binding can't be loaded */
export function loadError() {
  const { status, stderr, signal } = spawnSync(process.execPath, ['-e', "require('node-rdkafka/librdkafka.js')"], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return undefined;
  return /^\w*Error: .*$/m.exec(stderr)?.[0] ?? `the process ended with ${signal ?? `exit code ${status}`}`;
}

if (process.argv[1] === import.meta.filename) {
  try {
    await placePortable(process.argv[2], (line) => console.error(line));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
