// What setup does about the native client: installs what a build lacks, keeps the build from being misdirected, and does not say that
// it is ready before the addon was loaded. Builds are doubles here; `test/campaign/package.ts` has real ones.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const tools = ['python3', 'make', 'g++'];

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-native-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Runs the lines of a module. */
function run(code: string, env: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('what the build lacks', () => {
  /** A machine that has nothing, perhaps apt-get, perhaps sudo; its apt-get makes the programs that it is told to install. */
  function machine(t: TestContext, has: { apt?: boolean; sudo?: 'free' | 'asks' }, user: number) {
    const dir = scratch(t);
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    const program = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    };
    const made = tools.map((name) => `echo exit 0 >${bin}/${name}; /bin/chmod 755 ${bin}/${name}`).join('\n');
    if (has.apt) program('apt-get', `echo "$*" >>${dir}/asked\ncase "$*" in *install*)\n${made}\n;; esac`);
    if (has.sudo) program('sudo', has.sudo === 'asks' ? 'exit 1' : 'shift\n[ "$1" = true ] || exec "$@"');
    const tried = run(
      `process.getuid = () => ${user};
      const { requireTools } = await import(${JSON.stringify(join(root, 'scripts/native-tools.mjs'))});
      try { requireTools((line) => console.log(line)); } catch ({ message }) { console.log(message); process.exit(1); }`,
      { PATH: bin },
    );
    const asked = existsSync(join(dir, 'asked')) ? readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n') : [];
    return { ...tried, asked };
  }
  const all = 'python3 make g++ libssl-dev zlib1g-dev libzstd-dev';

  it('is installed with apt as root, which is said', (t) => {
    const { status, stdout, asked } = machine(t, { apt: true }, 0);
    assert.equal(status, 0, stdout);
    assert.equal(stdout, `the native build lacks ${all.replaceAll(' ', ', ')}: installing with apt-get\n`);
    assert.deepEqual(asked, ['-qq update', `-qq install -y --no-install-recommends ${all}`]);
  });

  it('is installed with a sudo that asks for no password', (t) => {
    const { status, stdout, asked } = machine(t, { apt: true, sudo: 'free' }, 1_000);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /installing with sudo -n apt-get\n$/);
    assert.equal(asked.length, 2);
  });

  it('is named in one line elsewhere, and nothing is installed', (t) => {
    for (const has of [{}, { apt: true }, { apt: true, sudo: 'asks' as const }]) {
      const { status, stdout, asked } = machine(t, has, 1_000);
      assert.equal(status, 1);
      assert.ok(stdout.includes(`\n  Debian, Ubuntu:  sudo apt-get install -y ${all}\n`), stdout);
      assert.deepEqual(asked, []);
    }
  });
});

describe('the environment of a build', () => {
  it('has nothing that names the headers of another Node', async () => {
    const { buildEnvironment } = (await import(join(root, 'scripts/native-build.mjs'))) as {
      buildEnvironment: (env: NodeJS.ProcessEnv) => NodeJS.ProcessEnv;
    };
    const misleading = {
      npm_config_nodedir: '/usr',
      NPM_CONFIG_NODEDIR: '/usr',
      npm_package_config_node_gyp_nodedir: '/usr',
      npm_config_target: '20.0.0',
      npm_config_arch: 'arm64',
      npm_config_runtime: 'electron',
      npm_config_disturl: 'http://127.0.0.1',
      npm_config_dist_url: 'http://127.0.0.1',
      npm_config_devdir: '/tmp/headers',
      MAKEFLAGS: '-j1',
    };
    const env = buildEnvironment({ ...misleading, npm_config_cache: '/cache', PATH: '/bin' });
    for (const name of Object.keys(misleading)) assert.equal(env[name], undefined, name);
    assert.equal(env.npm_config_cache, '/cache');
    assert.equal(env.PATH, `${dirname(process.execPath)}:/bin`);
  });
});

describe('the native client', () => {
  /** A clone whose builds take no time: node-rdkafka loads an addon when its text is `sound`. @param built what a build makes */
  function clone(t: TestContext, built: string) {
    const dir = scratch(t);
    for (const name of ['native.mjs', 'node.mjs', 'registry.mjs'])
      cpSync(join(root, 'scripts', name), join(dir, 'scripts', name));
    for (const name of ['package.json', 'patches', 'native'])
      cpSync(join(root, name), join(dir, name), { recursive: true });
    write(
      join(dir, 'scripts/native-build.mjs'),
      `import { mkdirSync, writeFileSync } from 'node:fs';
      import { join } from 'node:path';
      export const recipes = { local: {} };
      export async function buildLibrdkafka({ keep }) {
        mkdirSync(join(keep, 'lib'), { recursive: true });
        writeFileSync(join(keep, 'LICENSES.txt'), '');
      }
      export async function buildAddon({ keep, say }) {
        say('built');
        mkdirSync(keep);
        writeFileSync(join(keep, 'node-librdkafka.node'), ${JSON.stringify(built)});
      }`,
    );
    write(
      join(dir, 'node_modules/node-rdkafka/librdkafka.js'),
      `const { versions, platform, arch } = process;
      const addon = __dirname + '/lib/binding/node-v' + versions.modules + '-' + platform + '-' + arch + '/node-librdkafka.node';
      const text = require('node:fs').readFileSync(addon, 'utf8');
      if (text !== 'sound') throw new Error('invalid ELF header');`,
    );
    write(join(dir, 'scripts/native-tools.mjs'), 'export function requireTools() {}');
    const env = { PATH: process.env.PATH ?? '', RAFKA_CACHE: join(dir, 'cache') };
    const setUp = () =>
      run(
        `const { ensureNative } = await import(${JSON.stringify(join(dir, 'scripts/native.mjs'))});
        try { await ensureNative((line) => console.log(line)); } catch ({ message }) { console.log(message); process.exit(1); }
        console.log('ready');`,
        env,
      );
    const addonOf = (folder: string): string => {
      const name = readdirSync(join(dir, folder)).find((each) => /^node-/.test(each));
      return join(dir, folder, name ?? '', 'node-librdkafka.node');
    };
    return { setUp, cached: () => addonOf('cache'), installed: () => addonOf('node_modules/node-rdkafka/lib/binding') };
  }

  it('is built once, and then in place', (t) => {
    const { setUp } = clone(t, 'sound');
    assert.equal(setUp().stdout, 'built\nready\n');
    assert.equal(setUp().stdout, 'ready\n');
  });

  it('is taken from the cache where the installed one does not load', (t) => {
    const { setUp, installed } = clone(t, 'sound');
    setUp();
    writeFileSync(installed(), 'damaged');
    assert.match(setUp().stdout, /^Kafka client: taken from \S+\nready\n$/);
    assert.equal(readFileSync(installed(), 'utf8'), 'sound');
  });

  it('is built again where what is cached does not load either', (t) => {
    const { setUp, cached, installed } = clone(t, 'sound');
    setUp();
    for (const file of [cached(), installed()]) writeFileSync(file, 'damaged');
    assert.match(
      setUp().stdout,
      /^Kafka client: what \S+ holds does not load here; building it again\nbuilt\nready\n$/,
    );
    assert.equal(readFileSync(cached(), 'utf8'), 'sound');
    assert.equal(setUp().stdout, 'ready\n');
  });

  it('is not said to be ready when it was built and does not load', (t) => {
    const { status, stdout } = clone(t, 'damaged').setUp();
    assert.equal(stdout, 'built\nthe Kafka client was built but does not load: Error: invalid ELF header\n');
    assert.equal(status, 1);
  });
});
