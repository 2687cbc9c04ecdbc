// A fresh clone on a fresh machine: Debian 12 with Node and npm, and nothing to compile with. As root, with debootstrap:
//
//   node build/test/campaign/fresh-machine.js [--base FOLDER]
//
// A user without rights is told what to install. Root says `npm start`, with an environment that names the headers of another Node: it
// installs what the build lacks, builds, and serves. Then `npm test` has nothing left to set up; a build that is damaged in the cache is made
// again. --base: a root that debootstrap has made. Takes ten minutes, most of it compiling.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CleanRoot, repository, unprivileged } from '../support/clean-root.js';

/** Installing, and compiling librdkafka on a busy machine, ms. */
const startMs = 40 * 60_000;
const major = '24';
const cwd = '/srv/rafka';
const elsewhere = { npm_config_nodedir: '/nowhere' };

const { values } = parseArgs({ options: { base: { type: 'string' } } });

async function tryAll(root: CleanRoot): Promise<void> {
  const clone = join(root.folder, cwd);
  mkdirSync(clone);
  execFileSync('sh', ['-c', 'git archive HEAD | tar -x -C "$0"', clone], { cwd: repository });
  const refused = failure(() => root.run(major, ['npm', 'start'], { ...unprivileged, cwd }));
  assert.match(refused, /needs what this machine lacks: python3, make, g\+\+, libssl-dev/);
  assert.match(refused, /sudo apt-get install -y python3 make g\+\+ libssl-dev zlib1g-dev libzstd-dev/);
  console.log('ok  without rights it says what is missing');

  const said = await root.serves(major, ['npm', 'start', '--'], startMs, { cwd, env: elsewhere });
  assert.match(said, /the native build lacks python3, make, .*: installing with apt-get/);
  console.log('ok  npm start installs, builds and serves');

  const tested = root.run(major, ['npm', 'test', '--', 'unit/io'], { cwd });
  assert.match(tested, /[1-9]\d* passed, 0 failed/);
  console.log('ok  npm test');

  damage(join(clone, 'node_modules/node-rdkafka/lib/binding'));
  damage(join(root.folder, 'root/.cache/rafka'));
  const mended = await root.serves(major, ['npm', 'start', '--'], startMs, { cwd, env: elsewhere });
  assert.match(mended, /does not load here; building it again/);
  console.log('ok  a build that does not load is made again');
}

/** Cuts the addons below a folder short. */
function damage(folder: string): void {
  const addons = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.node'));
  assert.ok(addons.length > 0);
  for (const name of addons) writeFileSync(join(folder, name), 'damaged');
}

/** @returns what a command wrote that must fail */
function failure(run: () => string): string {
  try {
    run();
  } catch (error) {
    return String((error as { stderr?: string }).stderr);
  }
  return assert.fail('it was expected to fail');
}

const obstacle = CleanRoot.obstacle();
if (obstacle !== undefined) {
  console.log(`skipped: ${obstacle}`);
} else {
  const root = await CleanRoot.make(values.base);
  try {
    await tryAll(root);
    console.log('a fresh machine is set up by npm start');
  } finally {
    root.remove();
  }
}
