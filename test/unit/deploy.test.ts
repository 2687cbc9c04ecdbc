// What deploy/ holds fits the program: configurations load, the unit and the manifests give it the time that it takes to stop.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Command } from 'commander';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/app/config.js';
import { forms } from '../../src/cli/forms.js';
import { loadPixyJob, loadRelay } from '../../src/cli/load.js';
import { Users } from '../../src/core/access/users.js';

const deploy = join(import.meta.dirname, '../../../deploy');
const text = (file: string): string => readFileSync(join(deploy, file), 'utf8');
const parsed = (job: 'pixy' | 'relay', file: string): Command =>
  forms[job](new Command()).parse(['--config', join(deploy, file)], { from: 'user' });
const usersOf = (json: string): readonly string[] => Users.load({ usersFile: 'users.json' }, () => json).names;

test('the samples load', async () => {
  const config = await loadConfig({ file: join(deploy, 'samples/rafka.json'), env: {}, flags: [] });
  assert.equal(config.embedded, false);
  assert.deepEqual(usersOf(text('samples/users.json')), ['app', 'ops']);
  assert.deepEqual(loadPixyJob(parsed('pixy', 'samples/pixy.yaml'), {}).warnings, []);
  assert.deepEqual((await loadRelay(parsed('relay', 'samples/relay.toml'), {})).unknownKeys, []);
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec: { template: { spec: Pod } };
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly restartPolicy?: string;
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
}

describe('manifests for Kubernetes', () => {
  for (const file of readdirSync(join(deploy, 'kubernetes')).filter((name) => name.endsWith('.yaml'))) {
    test(`${file}: its configuration loads, ports and times fit it`, async () => {
      const manifests = parseAllDocuments(text(`kubernetes/${file}`)).map((each) => each.toJS() as Manifest);
      const json = manifests.find(({ kind }) => kind === 'ConfigMap')!.data!['rafka.json']!;
      const tree = JSON.parse(json) as Record<string, unknown>;
      const flags = Object.entries(tree).flatMap(([section, keys]) =>
        Object.entries(keys as object).map(([key, value]) => [[section, key], value] as const),
      );
      const config = await loadConfig({ env: {}, flags });
      for (const { kind, stringData } of manifests)
        if (kind === 'Secret') assert.deepEqual(usersOf(stringData!['users.json']!), ['app']);
      const workload = manifests.find(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')!;
      const pod = workload.spec.template.spec;
      const rafka = [...(pod.initContainers ?? []), ...pod.containers].find(({ name }) => name === 'rafka')!;
      const stopMs = config.ris ? config.ris.shutdownTimeoutMs * 2 : config.shutdown.timeoutMs;
      assert.ok(pod.terminationGracePeriodSeconds * 1_000 > stopMs + 10_000, 'it is killed while it shuts down');
      const ports = Object.fromEntries(rafka.ports.map(({ name, containerPort }) => [name, containerPort]));
      assert.equal(ports.ops, config.ops?.port);
      if (ports.resp !== undefined) assert.equal(ports.resp, config.resp.port);
      if (ports.http !== undefined) assert.equal(ports.http, config.http?.port);
      assert.deepEqual(rafka.readinessProbe.httpGet, { path: '/readyz', port: 'ops' });
      if (pod.initContainers) assert.equal(rafka.restartPolicy, 'Always');
    });
  }
});

test('the unit of systemd stops it later than it stops by itself, and reloads it by SIGHUP', async () => {
  const unit = text('systemd/rafka.service');
  const { shutdown } = await loadConfig({ env: {}, flags: [] });
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1_000 > shutdown.timeoutMs);
  assert.match(unit, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m);
  assert.match(unit, /^DynamicUser=yes$/m);
  assert.match(unit, /^Type=notify$/m);
  assert.match(unit, /^NotifyAccess=all$/m);
});

describe('the Helm chart', () => {
  const chart = (file: string): string => text(`helm/rafka/${file}`);
  const values = parse(chart('values.yaml')) as Record<string, unknown>;
  const templates = readdirSync(join(deploy, 'helm/rafka/templates')).map((name) => chart(`templates/${name}`));

  test('its templates use values that exist, and every value is used', () => {
    const used = new Set(
      templates.flatMap((each) => [...each.matchAll(/\.Values\.([A-Za-z.]+)/g)].map(([, path]) => path!)),
    );
    for (const path of used) {
      const found = path
        .split('.')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], values);
      assert.notEqual(found, undefined, `.Values.${path}`);
    }
    for (const name of Object.keys(values))
      assert.ok(
        [...used].some((path) => path.split('.')[0] === name),
        name,
      );
  });

  test('its schema knows every value and no other', () => {
    const schema = JSON.parse(chart('values.schema.json')) as {
      properties: Record<string, { properties?: object; enum?: readonly string[] }>;
    };
    assert.deepEqual(
      Object.keys(schema.properties).filter((name) => name !== 'global'),
      Object.keys(values),
    );
    for (const [name, value] of Object.entries(values)) {
      const inner = schema.properties[name]!.properties;
      if (inner) assert.deepEqual(Object.keys(inner), Object.keys(value as object), name);
    }
    assert.deepEqual([...schema.properties.job!.enum!].sort(), ['gateway', 'pixy', 'relay', 'ris']);
  });

  test('its default configuration loads, and its ports are those of the Service', async () => {
    const flags = Object.entries(values.config as object).flatMap(([section, keys]) =>
      Object.entries(keys as object).map(([key, value]) => [[section, key], value] as const),
    );
    const config = await loadConfig({ env: {}, flags });
    assert.deepEqual(values.ports, { resp: config.resp.port, ops: config.ops?.port });
    assert.ok(Number(values.terminationGracePeriodSeconds) * 1_000 > config.shutdown.timeoutMs + 10_000);
  });
});

test('the version is the same everywhere', () => {
  const { version } = JSON.parse(readFileSync(join(deploy, '../package.json'), 'utf8')) as { version: string };
  const { version: chart, appVersion } = parse(text('helm/rafka/Chart.yaml')) as Record<string, string>;
  assert.deepEqual([chart, appVersion], [version, version]);
  assert.match(readFileSync(join(deploy, '../Dockerfile'), 'utf8'), new RegExp(`^ARG VERSION=${version}$`, 'm'));
  assert.match(
    readFileSync(join(deploy, '../CHANGELOG.md'), 'utf8'),
    new RegExp(`^## \\[${version}\\] - \\d{4}-`, 'm'),
  );
  for (const file of readdirSync(join(deploy, 'kubernetes')))
    for (const [, tag] of text(`kubernetes/${file}`).matchAll(/image: rafka:(\S+)/g)) assert.equal(tag, version, file);
});
