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
  'log-sink': { values: [] },
  log: { values: ['log-sink'] },
  core: { values: ['errors'] },
  kafka: { values: ['core/ports', 'core/promises', 'core/longest', 'core/nearest', 'clock', 'errors'], types: ['log'] },
  ...Object.fromEntries(faces.map((face) => [face, { values: ['core', 'errors'], types: ['log'] }])),
  clock: { values: ['core'] },
  workers: { values: ['core', 'errors'], types: ['log', 'resp/siblings/siblings', 'resp/info/status'] },
  'app/flags': { values: [] },
  'app/environment': { values: [] },
  'app/config': {
    values: [
      'errors',
      'app/environment',
      'core/nearest',
      'core/longest',
      'relay/config/config',
      ...faces.map((face) => `${face}/config`),
    ],
    types: ['core', 'log'],
  },
  'app/program': { values: ['core', 'log'] },
  'app/gateway': {
    values: ['errors', 'log', 'clock', 'core', 'kafka', 'app/config', 'app/program', 'app/rest-grpc', ...faces],
  },
  'app/rest-grpc': { values: ['errors', 'log', 'core', 'http', 'grpc'] },
  'app/pixy': { values: ['errors', 'log', 'clock', 'core', 'kafka', 'pixy', 'app/program', 'app/rest-grpc'] },
  'app/ris': { values: ['errors', 'log', 'clock', 'core', 'kafka', 'http', 'ris', 'app/config', 'app/program'] },
  'app/workers': {
    values: ['log', 'clock', 'core', 'http', 'resp', 'workers', 'app/config', 'app/gateway', 'app/program'],
  },
  cli: { values: ['errors', 'log', 'core', 'kafka', 'app/config', 'app/environment', 'app/flags', ...faces] },
  main: { values: ['cli', 'errors', 'log', 'clock', 'app', 'core', 'kafka', ...faces] },
};

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
      .filter(({ area }) => area !== 'main')
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
      'clock',
      'cli/health',
      'cli/check-kafka',
      'log-sink',
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
