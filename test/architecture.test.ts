// The rules of the architecture, read from the sources: who may import whom, who alone imports a package, what core must not know.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const faces = ['resp', 'http', 'grpc', 'pixy', 'relay', 'ris'];

/** Of each folder or top-level file, and each part of app: what of ours it may import. `types` counts for `import type` only. */
const mayImport: Record<string, { readonly values: readonly string[]; readonly types?: readonly string[] }> = {
  errors: { values: [] },
  log: { values: [] },
  core: { values: ['errors'] },
  kafka: {
    values: ['core/ports', 'core/promises', 'core/longest', 'core/nearest', 'io/clock', 'errors'],
    types: ['log'],
  },
  ...Object.fromEntries(faces.map((face) => [face, { values: ['core', 'io', 'errors'], types: ['log'] }])),
  io: { values: ['core'] },
  workers: { values: ['core', 'errors'], types: ['log', 'resp/siblings', 'resp/info/status'] },
  'app/flags': { values: [] },
  'app/environment': { values: ['core/access/secrets'] },
  'app/old-keys': { values: [] },
  'app/memory-defaults': { values: ['core/memory/memory-shares'] },
  'app/renew': { values: ['core'], types: ['app/config', 'log'] },
  'app/config': {
    values: [
      'errors',
      'app/environment',
      'app/old-keys',
      'app/memory-defaults',
      'core/nearest',
      'core/longest',
      'core/access/secrets',
      'relay/config/config',
      ...faces.map((face) => `${face}/config`),
    ],
    types: ['core', 'log'],
  },
  'app/program': { values: ['core', 'log'] },
  'app/gateway': {
    values: [
      'errors',
      'log',
      'io',
      'core',
      'kafka',
      'app/config',
      'app/memory-defaults',
      'app/program',
      'app/rest-grpc',
      'app/console-resp',
      'app/renew',
      ...faces,
      'app/console',
    ],
  },
  'app/console': { values: ['core', 'http', 'ris/tools'], types: ['log', 'relay/report'] },
  'app/console-resp': { values: ['resp'], types: ['http'] },
  'app/rest-grpc': { values: ['errors', 'log', 'core', 'http', 'grpc', 'app/console'] },
  'app/pixy': {
    values: [
      'errors',
      'log',
      'io',
      'core',
      'kafka',
      'pixy',
      'http/config',
      'app/program',
      'app/rest-grpc',
      'app/renew',
    ],
  },
  'app/ris': {
    values: [
      'errors',
      'log',
      'io',
      'core',
      'kafka',
      'http',
      'ris',
      'app/config',
      'app/program',
      'app/console',
      'app/gateway',
      'app/renew',
    ],
  },
  'app/workers': {
    values: [
      'log',
      'io',
      'core',
      'http',
      'resp',
      'workers',
      'app/config',
      'app/console-resp',
      'app/gateway',
      'app/program',
      'app/renew',
    ],
  },
  cli: { values: ['errors', 'log', 'core', 'kafka', 'app/config', 'app/environment', 'app/flags', ...faces] },
  main: { values: ['cli', 'errors', 'log', 'io', 'app', 'core', 'kafka', ...faces] },
};

/**
 * Within a room: of each of its folders (or files in its own level) which others it may import, from the lowest to the highest. A folder
 * may name only what stands above it here, so that no import runs back up.
 */
const inside: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  core: {
    ports: [],
    errors: [],
    promises: [],
    longest: [],
    nearest: [],
    'go-duration': [],
    'group-name': [],
    'stray-errors': ['ports'],
    memory: [],
    'message-bytes': ['ports'],
    clock: ['ports'],
    'lasting-fault': ['ports'],
    stats: ['ports'],
    topics: ['ports', 'promises'],
    access: ['ports', 'clock', 'stats'],
    renewal: ['ports', 'access'],
    listener: ['renewal'],
    'cluster-health': ['ports', 'promises', 'clock', 'stats'],
    readiness: ['ports', 'cluster-health'],
    cluster: ['ports', 'cluster-health'],
    produce: ['ports', 'promises', 'clock', 'stats', 'topics'],
    group: ['ports', 'promises', 'clock', 'lasting-fault', 'stats', 'topics', 'message-bytes'],
    consume: ['ports', 'promises', 'clock', 'lasting-fault', 'stats', 'topics', 'group'],
    queue: ['ports', 'lasting-fault', 'group-name', 'stats', 'topics', 'access', 'produce', 'group'],
    streams: [
      'ports',
      'promises',
      'clock',
      'cluster',
      'listener',
      'group-name',
      'lasting-fault',
      'memory',
      'message-bytes',
      'stats',
      'topics',
      'produce',
      'group',
    ],
  },
  kafka: {
    native: [],
    versions: ['native'],
    suggestion: [],
    'known-brokers': [],
    'broker-version': [],
    credentials: ['native'],
    fault: ['native'],
    properties: ['credentials', 'fault'],
    client: ['native', 'suggestion', 'fault', 'properties'],
    producer: ['native', 'broker-version', 'fault', 'properties', 'client'],
    consumer: ['native', 'fault', 'properties', 'client'],
    admin: ['native', 'known-brokers', 'broker-version', 'fault', 'properties', 'client'],
    embedded: ['native', 'known-brokers', 'fault', 'properties', 'client', 'admin'],
    factory: [
      'native',
      'credentials',
      'known-brokers',
      'broker-version',
      'fault',
      'properties',
      'client',
      'producer',
      'consumer',
      'admin',
      'embedded',
    ],
  },
  resp: {
    'streams-config': [],
    config: ['streams-config'],
    keys: [],
    wire: [],
    access: ['config'],
    siblings: ['wire'],
    command: ['config', 'keys', 'wire', 'siblings'],
    info: ['siblings', 'command'],
    clients: ['siblings', 'command'],
    monitor: ['siblings', 'command'],
    connection: ['wire', 'siblings', 'command', 'clients', 'monitor'],
    streams: ['streams-config', 'keys', 'wire', 'siblings', 'command'],
    kafka: ['config', 'keys', 'siblings', 'command', 'clients', 'streams'],
    commands: ['config', 'keys', 'wire', 'siblings', 'command', 'info', 'clients', 'streams'],
    server: [
      'config',
      'wire',
      'access',
      'siblings',
      'command',
      'clients',
      'monitor',
      'connection',
      'streams',
      'commands',
    ],
    'sibling-handlers': ['siblings', 'info', 'clients', 'streams', 'kafka', 'server'],
  },
  ris: {
    flags: [],
    feed: [],
    bgp: ['feed'],
    bmp: ['feed', 'bgp'],
    'redis-url': [],
    config: ['feed', 'bmp', 'redis-url'],
    checkpoint: ['feed'],
    leadership: ['feed', 'bmp', 'redis-url', 'checkpoint'],
    tools: ['feed', 'bgp', 'bmp'],
    collector: ['feed', 'config', 'checkpoint', 'leadership'],
    progress: ['collector'],
    readiness: ['collector'],
    worker: ['feed', 'redis-url', 'config', 'leadership', 'collector', 'progress', 'readiness'],
    index: ['feed', 'config', 'tools', 'worker'],
  },
  relay: {
    backoff: [],
    transient: [],
    'run-state': [],
    config: ['backoff'],
    topics: ['config'],
    record: ['config', 'topics'],
    report: ['config'],
    checkpoint: ['transient', 'run-state', 'config', 'topics', 'record'],
    mapping: ['config', 'record', 'report', 'checkpoint'],
    target: ['backoff', 'transient', 'run-state', 'config', 'topics', 'record', 'report', 'checkpoint', 'mapping'],
    source: ['backoff', 'transient', 'run-state', 'config', 'topics', 'report', 'checkpoint', 'mapping', 'target'],
    pump: ['record', 'report', 'checkpoint', 'target', 'source'],
    'mapping-relay': ['run-state', 'config', 'record', 'report', 'checkpoint', 'mapping', 'target', 'source', 'pump'],
    relay: ['config', 'record', 'report', 'checkpoint', 'mapping-relay'],
  },
};

/** Folders that hold one file for each command, method or route, and as many as there are of these. */
const registers = ['resp/commands'];
/** Of rooms, and of files in one level. */
const most = 15;
/** To be divided still. */
const crowded: Readonly<Record<string, number>> = { 'resp/streams': 23, http: 17 };

/** Packages that one folder (or file) alone may name. */
const soleImporter: Record<string, readonly string[]> = {
  'node-rdkafka': ['kafka'],
  'redis-parser': ['resp'],
  ioredis: ['ris'],
  ws: ['ris'],
  '@grpc/': ['grpc'],
  commander: ['main', 'cli'],
  pino: ['log'],
  'node:cluster': ['workers'],
};

interface Source {
  /** Relative to src/, without its ending: `core/ports`. */
  readonly path: string;
  /** First part of the path: `core`, or `main` for main.ts. */
  readonly area: string;
  /** Without comments. */
  readonly code: string;
  readonly lines: number;
}

interface Import {
  readonly name: string;
  readonly typeOnly: boolean;
}

const sources = filesBelow('src', /\.ts$/)
  .filter((file) => !file.endsWith('.d.ts'))
  .map((file): Source => {
    const text = readFileSync(join(root, 'src', file), 'utf8');
    const path = file.replace(/\.ts$/, '');
    return { path, area: path.split('/')[0]!, code: withoutComments(text), lines: text.split('\n').length - 1 };
  });

describe('architecture', () => {
  test('there are sources to look at', () => {
    assert.ok(sources.length > 10);
  });

  test('every import is one that the table of layers allows', () => {
    const broken = sources.flatMap((source) => ownImports(source).flatMap((target) => complaint(source, target)));
    assert.deepEqual(broken, []);
  });

  test('within a room every import is one that its table allows', () => {
    const broken = sources.flatMap((source) => ownImports(source).flatMap((target) => complaintInside(source, target)));
    assert.deepEqual(broken, []);
  });

  test('the tables themselves let no import run back up', () => {
    const broken = Object.entries(inside).flatMap(([room, table]) => {
      const units = Object.keys(table);
      return Object.entries(table).flatMap(([unit, allowed]) =>
        allowed
          .filter((name) => !units.includes(name) || units.indexOf(name) >= units.indexOf(unit))
          .map((name) => `${room}: ${unit} stands above ${name}`),
      );
    });
    assert.deepEqual(broken, []);
  });

  test('no file imports itself over others, types included', () => {
    const next = new Map(sources.map((source) => [source.path, ownImports(source).map(({ name }) => name)]));
    assert.deepEqual(circles(next), []);
  });

  test(`there are at most ${most} rooms, and as many files in one level`, () => {
    const rooms = new Set(sources.map(({ area }) => area));
    assert.ok(rooms.size <= most, [...rooms].join(' '));
    const levels = new Map<string, number>();
    for (const { path } of sources) levels.set(dirname(path), (levels.get(dirname(path)) ?? 0) + 1);
    const full = [...levels].filter(([level, count]) => !registers.includes(level) && count > (crowded[level] ?? most));
    assert.deepEqual(full, []);
  });

  test('some packages are named in one place only', () => {
    const broken: string[] = [];
    for (const { path, area, code } of sources) {
      for (const [name, owners] of Object.entries(soleImporter)) {
        if (owners.includes(area)) continue;
        if (literals(code).some((text) => text === name || text.startsWith(name.replace(/\/?$/, '/')))) {
          broken.push(`src/${path}.ts names '${name}', which only ${owners.join(', ')} may`);
        }
      }
    }
    assert.deepEqual(broken, []);
  });

  test('core has no clock, process or sockets of its own', () => {
    const forbidden =
      /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bprocess\.|\bset(Timeout|Interval|Immediate)\(|['"](node:)?(net|http|tls|dgram|fs|process|timers)(\/promises)?['"]/;
    const broken = sources
      .filter(({ area }) => area === 'core')
      .flatMap(({ path, code }) => {
        const found = forbidden.exec(code);
        return found ? [`src/${path}.ts: ${found[0]} (core takes a Clock and ports)`] : [];
      });
    assert.deepEqual(broken, []);
  });

  test('argv, environment and exit codes are the business of main.ts', () => {
    const broken = sources
      // What refuses an old Node speaks before main.ts does.
      .filter(({ area, path }) => area !== 'main' && path !== 'app/node-version')
      .flatMap(({ path, code }) => {
        const found = /\bprocess\.(argv|env|exit|exitCode)\b/.exec(code);
        return found ? [`src/${path}.ts: ${found[0]}`] : [];
      });
    assert.deepEqual(broken, []);
  });

  test('no module has state of its own that changes', () => {
    const broken = sources.flatMap(({ path, code }) =>
      [...code.matchAll(/^(export )?(let|var) .*/gm)].map(([line]) => `src/${path}.ts: ${line}`),
    );
    assert.deepEqual(broken, []);
  });

  test('no promise is let go of: what nobody waits for has an owner (own, guard and all in core/promises)', () => {
    // Biome's noFloatingPromises takes `void` for an answer, and sees no promise that is kept in a list.
    const letGo = /\bvoid\s+[\w$.#?!]+\(|: Promise<[^>]*>\[\] = \[\]/;
    const broken = sources.flatMap(({ path, code }) => {
      const found = letGo.exec(code);
      return found ? [`src/${path}.ts: ${found[0]}`] : [];
    });
    assert.deepEqual(broken, []);
  });

  test("timers that take a configured time are the clock's: others go off at once when they are set for too long", () => {
    const own = [
      'io/clock',
      'cli/health',
      'cli/check-kafka',
      'log',
      'main',
      'app/program',
      'http/listeners',
      'grpc/server',
      'kafka/producer/record-batch',
      'kafka/producer/linger-scheduler',
      'kafka/admin/admin',
    ];
    const broken = sources.filter(({ path, code }) => !own.includes(path) && /\bsetTimeout\(/.test(code));
    assert.deepEqual(
      broken.map(({ path }) => `src/${path}.ts calls setTimeout()`),
      [],
    );
  });

  test('nobody throws a string', () => {
    const broken = sources.filter(({ code }) => /\bthrow ['"`]/.test(code)).map(({ path }) => `src/${path}.ts`);
    assert.deepEqual(broken, []);
  });

  test('no test is switched off in its source', () => {
    const switches = /\b(test|it|describe|suite)\.(skip|only|todo)\b|\b(skip|only|todo): true\b/;
    const broken = filesBelow('test', /\.ts$/).filter((file) => switches.test(withoutComments(read('test', file))));
    assert.deepEqual(broken, []);
  });

  test('long files (a report, no rule)', (t) => {
    for (const { path, lines } of sources) if (lines > 250) t.diagnostic(`src/${path}.ts has ${lines} lines`);
  });
});

/** Imports of ours, as paths below src/ without an ending. */
function ownImports({ path, code }: Source): Import[] {
  const found: Import[] = [];
  const statement = /\b(import|export)\b(\s+type\b)?([^;'"]*?\bfrom)?\s*\(?\s*['"](\.[^'"]+)['"]/g;
  for (const [, , type, names = '', target] of code.matchAll(statement)) {
    const name = relative('.', join(dirname(path), target!)).replace(/\.js$/, '');
    found.push({ name, typeOnly: type !== undefined || onlyTypes(names) });
  }
  return found;
}

/** `import { type A, type B } from` */
function onlyTypes(names: string): boolean {
  const inside = /\{([^}]*)\}/
    .exec(names)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return inside !== undefined && inside.length > 0 && inside.every((name) => name.trim().startsWith('type '));
}

function complaint(source: Source, { name, typeOnly }: Import): string[] {
  const layer = layerOf(source.path);
  if (name.split('/')[0] === layer) return [];
  const rule = mayImport[layer];
  if (rule === undefined) return [`src/${source.path}.ts is in no layer of the table`];
  const allowed = typeOnly ? [...rule.values, ...(rule.types ?? [])] : rule.values;
  if (allowed.some((target) => name === target || name.startsWith(`${target}/`))) return [];
  return [`src/${source.path}.ts imports ${typeOnly ? 'types of ' : ''}src/${name}.ts`];
}

function complaintInside(source: Source, { name }: Import): string[] {
  const [room, unit] = source.path.split('/') as [string, string];
  const [otherRoom, other] = name.split('/') as [string, string];
  const table = inside[room];
  if (table === undefined || room !== otherRoom || unit === other) return [];
  if (table[unit] === undefined) return [`src/${source.path}.ts is not in the table of ${room}`];
  return table[unit].includes(other) ? [] : [`src/${source.path}.ts imports src/${name}.ts`];
}

/** Files that reach themselves, each circle once, as a path. */
function circles(next: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) found.push([...above.slice(above.indexOf(path)), path].join(' > '));
    if (above.includes(path) || done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...above, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}

/** The top folder or file; of `app`, whose parts know different things, each file by itself. */
function layerOf(path: string): string {
  return path.startsWith('app/') ? path : path.split('/')[0]!;
}

function literals(code: string): string[] {
  return [...code.matchAll(/(['"`])([^'"`\n]*)\1/g)].map(([, , text]) => text!);
}

/** Good enough for this code: a `//` within a string is taken for a comment only when a space stands before it. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true })
    .map(String)
    .filter((file) => ending.test(file))
    .sort();
}

function read(folder: string, file: string): string {
  return readFileSync(join(root, folder, file), 'utf8');
}
