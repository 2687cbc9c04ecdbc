// The packages that users install, in a clean root: Debian 12 with Node alone, no compiler, no OpenSSL. As root, with debootstrap:
//
//   node build/test/campaign/package.js [--made] [--base FOLDER]
//
// Makes the packages (`npm run package`; --made takes those of release/), then runs the tarball on each Node that it has addons for,
// and `npm i -g` of the npm package, without a registry. --base: a root that debootstrap has made. Ends with exit code 1 when one of
// them does not serve.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CleanRoot, majors, manifest, repository } from '../support/clean-root.js';

const release = join(repository, 'release');
const startMs = 60_000;
const newest = majors.at(-1)!;

const { values } = parseArgs({
  options: { made: { type: 'boolean', default: false }, base: { type: 'string' } },
});

async function tryAll(root: CleanRoot): Promise<void> {
  const tarball = readdirSync(release).find((name) => name.endsWith('.tar.gz'));
  assert.ok(tarball);
  // A folder that is nobody's idea of where programs lie.
  const folder = 'srv/some where';
  mkdirSync(join(root.folder, folder));
  execFileSync('tar', ['-xzf', join(release, tarball), '-C', join(root.folder, folder)]);
  const unpacked = `/${folder}/${tarball.replace('.tar.gz', '')}`;
  root.run(newest, ['sha256sum', '--quiet', '-c', 'SHA256SUMS'], { cwd: unpacked });
  for (const major of majors) await root.serves(major, [`${unpacked}/bin/rafka`], startMs);
  cpSync(join(release, `rafka-${manifest.version}.tgz`), join(root.folder, 'srv/rafka.tgz'));
  root.run(newest, ['npm', 'install', '--global', '--offline', '--prefix=/usr/local', '/srv/rafka.tgz']);
  for (const major of majors) await root.serves(major, ['rafka'], startMs);
  // What is compiled where no addon fits.
  const binding = join(root.folder, 'usr/local/lib/node_modules/rafka/node_modules/node-rdkafka');
  for (const path of ['binding.gyp', 'deps/librdkafka.gyp', 'src/binding.cc'])
    assert.ok(existsSync(join(binding, path)), `the npm package lacks node-rdkafka/${path}`);
}

const obstacle = CleanRoot.obstacle();
if (obstacle !== undefined) {
  console.log(`skipped: ${obstacle}`);
} else {
  if (!values.made) execFileSync('npm', ['run', '--silent', 'package'], { cwd: repository, stdio: 'inherit' });
  execFileSync('sha256sum', ['--quiet', '-c', 'SHA256SUMS'], { cwd: release, stdio: 'inherit' });
  const root = await CleanRoot.make(values.base);
  try {
    await tryAll(root);
    console.log('all packages serve');
  } finally {
    root.remove();
  }
}
