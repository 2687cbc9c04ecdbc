// What surrounds the program: the patches, the image, compose, the sample configuration and the entry fit together and fit the sources.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Command } from 'commander';
import { parse } from 'yaml';
import { loadConfig } from '../../src/app/config.js';
import { forms } from '../../src/cli/forms.js';
import { loadPixyJob, loadRelay } from '../../src/cli/load.js';

const root = join(import.meta.dirname, '../../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');

type ApplyPatch = (diff: string, root: string) => void;
const { applyPatch } = (await import(join(root, 'scripts/apply-patch.mjs'))) as { applyPatch: ApplyPatch };

const patchesOf = (source: string) =>
  readdirSync(join(root, 'patches', source))
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => ({ name, patch: text(`patches/${source}/${name}`) }));
const filesOf = (patch: string) => [...patch.matchAll(/^\+\+\+ b\/(\S+)$/gm)].map(([, file]) => file!);

test('the patches fit the pinned node-rdkafka in their order, and each only once', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-patch-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const patches = patchesOf('node-rdkafka');
  for (const file of new Set(patches.flatMap(({ patch }) => filesOf(patch))))
    cpSync(join(root, 'node_modules/node-rdkafka', file), join(dir, file));
  for (const { name, patch } of patches) {
    applyPatch(patch, dir);
    for (const part of patch.split(/^(?=--- )/m).slice(1)) {
      const patched = readFileSync(join(dir, filesOf(part)[0]!), 'utf8');
      for (const line of part.split('\n').filter((line) => /^\+(?!\+\+ )/.test(line)))
        assert.ok(patched.includes(`${line.slice(1)}\n`), `${name}: missing after it: ${line}`);
    }
    const before = filesOf(patch).map((file) => readFileSync(join(dir, file), 'utf8'));
    assert.throws(() => applyPatch(patch, dir), /the patch does not fit \S+:\d+: expected/);
    assert.deepEqual(
      filesOf(patch).map((file) => readFileSync(join(dir, file), 'utf8')),
      before,
      `${name} left something behind although it did not fit`,
    );
  }
});

test('each patch says why it is there, what upstream knows, and when it can go', () => {
  for (const source of ['node-rdkafka', 'librdkafka']) {
    for (const { name, patch } of patchesOf(source)) {
      const head = patch.slice(0, patch.indexOf('\ndiff --git '));
      for (const part of ['Why: ', 'Upstream: ', 'Can go: '])
        assert.ok(head.includes(`\n${part}`), `${name}: no ${part}`);
    }
  }
});

test('every file that the image copies exists and is not kept out by .dockerignore', () => {
  const admitted = text('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const sources = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, list]) =>
    list!.split(' '),
  );
  assert.ok(sources.length > 5);
  for (const source of sources) {
    assert.ok(existsSync(join(root, source)), `${source} does not exist`);
    assert.ok(
      admitted.some((name) => source === name || source.startsWith(`${name}/`)),
      `.dockerignore keeps ${source} out`,
    );
  }
});

test('compose gives the gateway more time to stop than it takes, and has a configuration that loads', async (t) => {
  const compose = parse(text('compose.yaml')) as {
    services: Record<string, { stop_grace_period?: string; network_mode?: string; image?: string }>;
    configs: Record<'librdkafka' | 'pixy' | 'relay', { content: string }>;
  };
  const dir = mkdtempSync(join(tmpdir(), 'rafka-compose-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'librdkafka.json');
  writeFileSync(file, compose.configs.librdkafka.content);
  // As in the image, which refuses the embedded Kafka.
  const config = await loadConfig({ file, env: { NODE_ENV: 'production' }, flags: [] });
  assert.equal(config.embedded, false);
  const ours = Object.entries(compose.services).filter(([, service]) => service.image === 'rafka');
  assert.deepEqual(ours.map(([name]) => name).sort(), ['app', 'gateway', 'pixy', 'relay']);
  for (const [name, { stop_grace_period: grace = '10s' }] of ours) {
    assert.ok(Number.parseInt(grace, 10) * 1000 > config.shutdown.timeoutMs, `${name} is killed while it shuts down`);
  }
  const named = (name: 'pixy' | 'relay', suffix: string): string => {
    const path = join(dir, `${name}.${suffix}`);
    writeFileSync(path, compose.configs[name].content);
    return path;
  };
  const job = (name: 'pixy' | 'relay', path: string) =>
    forms[name](new Command()).parse(['--config', path], { from: 'user' });
  assert.deepEqual(loadPixyJob(job('pixy', named('pixy', 'yaml')), {}).warnings, []);
  assert.deepEqual((await loadRelay(job('relay', named('relay', 'toml')), {})).unknownKeys, []);
  assert.equal(compose.services.gateway?.network_mode, 'service:example');
});

test('the sample configuration loads', async () => {
  const config = await loadConfig({ file: join(root, 'librdkafka.json.sample'), env: {}, flags: [] });
  assert.ok(config.general['bootstrap.servers']);
  assert.equal(config.embedded, false);
});

test('the entry leaves more pool threads than consumers may hold, and heeds the environment', async () => {
  const entry = text('bin/rafka');
  const threads = Number(/UV_THREADPOOL_SIZE:=(\d+)/.exec(entry)?.[1]);
  const { resp } = await loadConfig({ env: {}, flags: [] });
  assert.ok(threads >= resp.maxConsumers + 64 && threads <= 1024, `${threads} threads, ${resp.maxConsumers} consumers`);
});
/** A folder with bin/with-node as in a clone, and a `node` in front of the PATH that says which version it is. */
function withNodes(t: TestContext, onPath: string, fetched?: string) {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-node-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const fakeNode = (folder: string, version: string) => {
    mkdirSync(join(dir, folder), { recursive: true });
    const script = `#!/bin/sh\n[ "$1" = -v ] && echo v${version} && echo asked >>"${dir}/asked" && exit\necho "${version} $*"\n`;
    writeFileSync(join(dir, folder, 'node'), script, { mode: 0o755 });
  };
  cpSync(join(root, 'bin'), join(dir, 'bin'), { recursive: true });
  fakeNode('path', onPath);
  if (fetched !== undefined) {
    fakeNode('cache', fetched);
    mkdirSync(join(dir, 'node_modules'));
    writeFileSync(join(dir, 'node_modules/.rafka-node'), `${dir}/cache/node\n`);
  }
  const run = () => {
    const env = { ...process.env, PATH: `${dir}/path:${process.env.PATH}` };
    const { stdout, stderr, status } = spawnSync(join(dir, 'bin/with-node'), ['a.js', '--b'], {
      env,
      encoding: 'utf8',
    });
    return { stdout, stderr, status, wasAsked: existsSync(join(dir, 'asked')) };
  };
  return { dir, run };
}

test('the Node on the PATH is taken without being asked for its version where setup found it new enough', (t) => {
  const { stdout, wasAsked } = withNodes(t, '18.1.0').run();
  assert.equal(stdout, '18.1.0 a.js --b\n');
  assert.equal(wasAsked, false);
});

test('the fetched Node is taken while the one on the PATH is older than engines says', async (t) => {
  const { isFitting } = (await import(join(root, 'scripts/node.mjs'))) as { isFitting: (version: string) => boolean };
  const { engines } = JSON.parse(text('package.json')) as { engines: { node: string } };
  assert.equal(engines.node, '>=22.12');
  const versions = [
    '16.20.2',
    '20.20.2',
    '22.9.9',
    '22.11.0',
    '22.12.0',
    '22.23.3',
    '23.0.0',
    '24.21.0',
    '30.1.0',
    '100.0.0',
  ];
  for (const version of versions) {
    const fits = versions.indexOf(version) >= versions.indexOf('22.12.0');
    assert.equal(isFitting(version), fits, version);
    const { stdout } = withNodes(t, version, '24.21.0').run();
    assert.equal(stdout, `${fits ? version : '24.21.0'} a.js --b\n`, version);
  }
});

test('a fetched Node that is gone is told of with what to do', (t) => {
  const { dir, run } = withNodes(t, '20.20.2', '24.21.0');
  rmSync(join(dir, 'cache'), { recursive: true });
  const { status, stderr } = run();
  assert.equal(status, 1);
  assert.match(stderr, /too old, and \S+ is gone: run `npm run setup`/);
});
