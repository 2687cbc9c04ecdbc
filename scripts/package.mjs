// Makes what users install without a compiler, in release/: `npm run package`.
//   rafka-<version>-linux-<arch>-<libc>.tar.gz   runs from the folder it is unpacked to, with Node alone
//   rafka-<version>.tgz                          for `npm i -g`; compiles where none of its addons fits
//   rafka-<version>.cdx.json, SHA256SUMS         what is in them (CycloneDX), and their sums
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileInto } from './compile.mjs';
import { requireTools } from './native-tools.mjs';
import { cacheRoot, fetchNode } from './node.mjs';
import { needsOf, refuseUnexpected } from './package-needs.mjs';
import { layForNpm, stripBinding } from './package-npm.mjs';
import { billOfMaterials, sumsOf } from './package-sbom.mjs';
import { findNpm } from './registry.mjs';

const root = dirname(import.meta.dirname);
const release = join(root, 'release');
const say = (line) => console.error(`package: ${line}`);
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const majors = Object.keys(manifest.nodes);

/** What both packages have besides node_modules and dist. */
const common = ['bin', 'docs', 'CHANGELOG.md', 'LICENSE', 'README.md', 'librdkafka.json.sample'];

function main() {
  requireTools(say);
  const scratch = join(cacheRoot(), `package-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  rmSync(release, { recursive: true, force: true });
  mkdirSync(release);
  try {
    const base = join(scratch, 'base');
    const librdkafka = stage(base);
    const name = `rafka-${manifest.version}`;
    const needs = needsOf(join(base, 'node_modules/node-rdkafka/lib/binding'));
    refuseUnexpected(needs);
    const sbom = billOfMaterials(base, npm, librdkafka);
    writeFileSync(join(release, `${name}.cdx.json`), sbom);
    writeFileSync(join(base, 'sbom.cdx.json'), sbom);
    const { libc } = needs;
    packTarball(base, join(scratch, `${name}-linux-${process.arch}-${libc}`));
    packForNpm(base, join(scratch, 'npm'));
    writeFileSync(join(release, 'SHA256SUMS'), sumsOf(release));
    say(`the tarball needs ${needs.libraries.join(', ')}; at least ${needs.symbols.join(', ')}`);
    say(`done: ${release}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The program with the packages that it runs with, and the addon for each Node. @returns {string} librdkafka's version */
function stage(base) {
  mkdirSync(base);
  for (const path of [...common, 'package.json', 'package-lock.json', '.npmrc'])
    cpSync(join(root, path), join(base, path), { recursive: true });
  compileInto(join(base, 'dist'));
  npm(base, 'ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error');
  // npm's list of packages would miss those that only a clone has.
  const { devDependencies: _dev, ...runtime } = manifest;
  writeFileSync(join(base, 'package.json'), `${JSON.stringify(runtime, null, 2)}\n`);
  const binding = join(base, 'node_modules/node-rdkafka');
  stripBinding(binding);
  let librdkafka;
  for (const major of majors) {
    const node = join(fetchNode(major, say), 'bin/node');
    run(node, [join(root, 'scripts/native.mjs'), join(binding, 'lib/binding')], { cwd: root });
    librdkafka = run(node, ['-p', "require('node-rdkafka/librdkafka.js').librdkafkaVersion"], { cwd: base }).trim();
  }
  for (const name of ['libssl-dev', 'libzstd-dev', 'zlib1g-dev'])
    cpSync(`/usr/share/doc/${name}/copyright`, join(base, 'licenses', `${name}.txt`));
  return librdkafka;
}

/** Without the sources of the native client. */
function packTarball(base, folder) {
  cpSync(base, folder, { recursive: true, verbatimSymlinks: true });
  rmSync(join(folder, '.npmrc'));
  const modules = join(folder, 'node_modules');
  rmSync(join(modules, 'nan'), { recursive: true });
  for (const path of ['src', 'deps', 'e2e', 'test', 'bench', 'examples', 'ci', 'util', 'cpplint.py', 'binding.gyp'])
    rmSync(join(modules, 'node-rdkafka', path), { recursive: true, force: true });
  writeFileSync(join(folder, 'SHA256SUMS'), sumsOf(folder));
  const name = folder.split('/').at(-1);
  const time = run('git', ['log', '-1', '--format=%ct'], { cwd: root }).trim();
  const plain = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${time}`];
  run('tar', [...plain, '-czf', join(release, `${name}.tar.gz`), '-C', dirname(folder), name]);
}

function packForNpm(base, folder) {
  layForNpm(base, folder, manifest);
  npm(folder, 'pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${release}`);
}

function npm(cwd, ...args) {
  return run(process.execPath, [findNpm('bin/npm-cli.js'), ...args], { cwd });
}

/** @returns {string} what it wrote to stdout. @throws Error when it failed */
function run(command, args, options = {}) {
  const { status, error, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 2],
    ...options,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
  return stdout;
}

try {
  main();
} catch (error) {
  say(error.message);
  process.exit(1);
}
