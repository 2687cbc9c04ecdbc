// The folder of the npm package: the program with its dependencies inside, and what a build on the user's machine reads.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** What a build on the user's machine runs: installed.mjs, and what it imports. */
const buildScripts = ['apply-patch', 'installed', 'native', 'native-build', 'native-tools', 'node', 'registry'];

/** Leaves node-rdkafka's own librdkafka out, which is not used, and what was built. deps/librdkafka.gyp stays: builds read it. */
export function stripBinding(binding) {
  for (const path of ['deps/librdkafka', 'build']) rmSync(join(binding, path), { recursive: true, force: true });
}

/**
 * Lays the folder that `npm pack` packs: npm fetches and compiles nothing, and the sources are there for where no addon fits.
 * @param {string} base the program with node_modules
 * @param {object} manifest package.json of the clone
 */
export function layForNpm(base, folder, manifest) {
  cpSync(base, folder, { recursive: true, verbatimSymlinks: true });
  for (const path of ['native', 'patches', ...buildScripts.map((name) => `scripts/${name}.mjs`)])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  const { scripts: _scripts, devDependencies: _dev, private: _private, ...kept } = manifest;
  const bundled = Object.keys(manifest.dependencies);
  const own = { ...kept, scripts: { install: 'node scripts/installed.mjs' }, bundleDependencies: bundled };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
  for (const path of ['package-lock.json', '.npmrc', 'node_modules/.package-lock.json'])
    rmSync(join(folder, path), { force: true });
  // Its own installation would compile it, with its own librdkafka.
  const binding = join(folder, 'node_modules/node-rdkafka/package.json');
  const { scripts: _install, ...bindingManifest } = JSON.parse(readFileSync(binding, 'utf8'));
  writeFileSync(binding, `${JSON.stringify({ ...bindingManifest, gypfile: false }, null, 2)}\n`);
}
