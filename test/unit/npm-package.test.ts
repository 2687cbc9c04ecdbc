// What the npm package has for where no addon fits: all that the build reads. It is packed as for users, unpacked, and its installation
// run. The compiler is a double, which opens what the compiler would.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const binding = 'node_modules/node-rdkafka';
const built = `${binding}/lib/binding`;
/** The addon, and what it requires; node-gyp compiles against the second. */
const packages = ['node-rdkafka', 'nan', 'bindings', 'file-uri-to-path'];

interface Manifest {
  readonly nodes: Record<string, { version: string }>;
  readonly dependencies: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;

interface Scripts {
  layForNpm(base: string, folder: string, manifest: object): void;
  stripBinding(binding: string): void;
  findNpm(file: string): string;
  cacheKeys(recipe: object): { librdkafka: string; sources: string };
  recipes: { local: object };
}
const scriptsOf = async (folder: string, ...names: string[]): Promise<Scripts> =>
  Object.assign({}, ...(await Promise.all(names.map((name) => import(join(folder, `scripts/${name}.mjs`))))));

/** Packs as `npm run package` does, but only what the build takes, and without any addon. @returns the unpacked package */
async function packed(dir: string): Promise<string> {
  const { layForNpm, stripBinding, findNpm } = await scriptsOf(root, 'package-npm', 'registry');
  const base = join(dir, 'base');
  const heavy = [join(root, binding, 'deps/librdkafka'), join(root, built)];
  for (const name of packages)
    cpSync(join(root, 'node_modules', name), join(base, 'node_modules', name), {
      recursive: true,
      filter: (path) => !heavy.includes(path),
    });
  stripBinding(join(base, binding));
  const { 'node-rdkafka': version } = manifest.dependencies;
  layForNpm(base, join(dir, 'laid'), { ...manifest, bin: undefined, dependencies: { 'node-rdkafka': version } });
  const npm = [findNpm('bin/npm-cli.js'), 'pack', '--ignore-scripts', '--offline', `--cache=${join(dir, 'npm')}`];
  const { status, stderr } = spawnSync(process.execPath, npm, { cwd: join(dir, 'laid'), encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const tarball = readdirSync(join(dir, 'laid')).find((name) => name.endsWith('.tgz'));
  spawnSync('tar', ['-xzf', join(dir, 'laid', tarball!), '-C', dir]);
  return join(dir, 'package');
}

/** In the place of node-gyp: opens each file that binding.gyp or a source names, and takes the addon that the clone has. */
const nodeGyp = (addon: string): string => `
  const { cpSync, mkdirSync, readFileSync } = require('node:fs');
  const opened = new Set();
  const open = (file) => {
    if (opened.has(file)) return '';
    opened.add(file);
    return readFileSync(file, 'utf8');
  };
  const source = (file) => {
    for (const [, name] of open(file).matchAll(/^#include "((?:src|native)\\/[^"]+)"/gm)) source(name);
  };
  const gyp = open('binding.gyp');
  for (const [, name] of gyp.matchAll(/'((?:src|native)\\/[^']+)'/g)) source(name);
  for (const [, name] of gyp.matchAll(/^[^#]*node (\\.\\/\\S+)/gm)) open(name);
  require.resolve('nan', { paths: [process.cwd()] });
  if (opened.size < 30) throw new Error('only ' + [...opened]);
  mkdirSync('build/Release', { recursive: true });
  cpSync(${JSON.stringify(addon)}, 'build/Release/node-librdkafka.node');`;

/** A machine whose compiler is the double, and which has librdkafka and Node's headers already. @returns its environment */
function machine(dir: string, librdkafka: string): NodeJS.ProcessEnv {
  const env = {
    PATH: join(dir, 'bin'),
    RAFKA_CACHE: join(dir, 'cache'),
    npm_execpath: join(dir, 'npm/bin/npm-cli.js'),
  };
  mkdirSync(env.PATH);
  for (const name of ['python3', 'make', 'g++']) {
    writeFileSync(join(env.PATH, name), '#!/bin/sh\n');
    chmodSync(join(env.PATH, name), 0o755);
  }
  const gyp = join(dir, 'npm/node_modules/node-gyp/bin/node-gyp.js');
  for (const file of [env.npm_execpath, gyp]) mkdirSync(dirname(file), { recursive: true });
  writeFileSync(env.npm_execpath, '');
  const { modules } = process.versions;
  const addon = `node-v${modules}-${process.platform}-${process.arch}/node-librdkafka.node`;
  writeFileSync(gyp, nodeGyp(join(root, built, addon)));
  for (const { version } of Object.values(manifest.nodes)) {
    const node = join(env.RAFKA_CACHE, `node-${version}-${process.platform}-${process.arch}/bin/node`);
    mkdirSync(dirname(node), { recursive: true });
    writeFileSync(node, '');
  }
  cpSync(join(root, built, 'deps'), join(env.RAFKA_CACHE, librdkafka, 'lib'), { recursive: true });
  cpSync(join(root, built, 'deps/LICENSES.txt'), join(env.RAFKA_CACHE, librdkafka, 'LICENSES.txt'));
  return env;
}

test('the npm package has all that its build reads, and is installed with it', async (t: TestContext) => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-npm-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const folder = await packed(dir);
  const keysOf = async (of: string) => {
    const { cacheKeys, recipes } = await scriptsOf(of, 'native', 'native-build');
    return cacheKeys(recipes.local);
  };
  const keys = await keysOf(folder);
  assert.deepEqual(keys, await keysOf(root), 'it would build something else than a clone');
  const env = machine(dir, keys.librdkafka);
  const install = () => spawnSync(process.execPath, ['scripts/installed.mjs'], { cwd: folder, env, encoding: 'utf8' });
  const first = install();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stderr, /no prebuilt Kafka client fits Node .*\n(.*\n)*.*building the addon/);
  const second = install();
  assert.equal(second.status, 0, second.stderr);
  assert.equal(second.stderr, '');
});
