// The Node that Rafka runs on. Where the one on the PATH is too old a pinned one comes from the npm registry, into the cache.
// `node scripts/node.mjs 26` prints the path of the pinned Node 26, fetched if it was not there.
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchPackage, unpack } from './registry.mjs';

// An older Node than Rafka runs on has to read this file: no `import.meta.dirname`.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { nodes } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
/** Which Node bin/with-node takes when the one on the PATH is too old. */
const record = join(root, 'node_modules/.rafka-node');

/** The major version that is fetched where the Node on the PATH is too old. */
const chosenMajor = 24;

/** Where builds and fetched Nodes are kept: RAFKA_CACHE, else ~/.cache/rafka (XDG_CACHE_HOME counts). */
export function cacheRoot() {
  return process.env.RAFKA_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rafka');
}

/** Is this Node 22.12 or newer, as `engines` of package.json says? bin/with-node has the same rule. */
export function isFitting(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}

/**
 * The pinned Node of a major version with its headers.
 * @param {(line: string) => void} say is told before something is fetched
 * @returns {string} its folder: bin/node, include/node
 * @throws Error when there is none for this machine, or the registry can't be reached
 */
export function fetchNode(major, say) {
  const { version, [process.arch]: integrity } = nodes[major] ?? {};
  process.report.excludeNetwork = true;
  const { glibcVersionRuntime: glibc } = process.report.getReport().header;
  if (process.platform !== 'linux' || !glibc || !integrity)
    throw new Error(`there is no Node ${major} to fetch for this machine; install Node 22.12 or newer`);
  const folder = join(cacheRoot(), `node-${version}-linux-${process.arch}`);
  if (existsSync(join(folder, 'bin/node'))) return folder;
  say(`fetching Node ${version} from the npm registry (50 MB), once per machine`);
  const scratch = `${folder}.${process.pid}`;
  try {
    const tarball = fetchPackage({ name: `node-linux-${process.arch}`, version, integrity }, scratch);
    unpack(tarball, join(scratch, 'node'), ['bin/node', 'include/node', 'LICENSE']);
    // Another setup may have been first; its Node is as good as ours.
    if (!existsSync(folder)) renameSync(join(scratch, 'node'), folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

/** The Node to go on with in place of one that is too old. @returns {string} path of its program */
export function fetchFittingNode(say) {
  return join(fetchNode(chosenMajor, say), 'bin/node');
}

/** Makes bin/with-node take `program` while the Node on the PATH is too old. */
export function recordNode(program) {
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, `${program}\n`);
}

/**
 * A folder with `include/node` for the Node that runs this: its own, else the pinned one's of the same major version.
 * @throws Error when there are none
 */
export function headersFolder(say) {
  const own = dirname(dirname(realpathSync(process.execPath)));
  const major = process.versions.node.split('.')[0];
  const file = join(own, 'include/node/node_version.h');
  // Headers of another Node may lie beside this one, from an earlier installation.
  if (existsSync(file) && readFileSync(file, 'utf8').includes(`#define NODE_MAJOR_VERSION ${major}\n`)) return own;
  return fetchNode(major, say);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const say = (line) => console.error(line);
    console.log(join(fetchNode(process.argv[2] ?? chosenMajor, say), 'bin/node'));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
