// Programs of test/compat/clients that the normal tests run, built in the cache: go-redis and Jedis with their defaults.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const sources = join(import.meta.dirname, '../../../test/compat/clients');
const cache = join(process.env.RAFKA_CACHE ?? join(homedir(), '.cache/rafka'), 'compat-programs');
/** Time limit of a download or a build, ms. */
const buildMs = 240_000;
/** Time limit of a program, ms. */
const programMs = 120_000;

/** A program and the arguments before PORT and NAME. */
export type Program = readonly [string, ...string[]];

/** @throws Error with what the tools printed */
export async function buildGoRedis(): Promise<Program> {
  const dir = await built('go', async (folder) => {
    await execute('go', ['build', '-o', 'bin/', './goredis'], { cwd: folder, timeout: buildMs });
  });
  return [join(dir, 'bin/goredis')];
}

/** @throws Error with what the tools printed */
export async function buildJedis(): Promise<Program> {
  const dir = await built('java', async (folder) => {
    const maven = ['-q', '-B', '-ntp', '-f', 'jedis.xml'];
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
    await execute('mvn', [...maven, copy, '-DoutputDirectory=lib'], { cwd: folder, timeout: buildMs });
    const classes = ['Steps.java', 'JedisClient.java'].map((file) => join('src/main/java', file));
    await execute('javac', ['-d', 'classes', '-cp', 'lib/*', ...classes], { cwd: folder, timeout: buildMs });
  });
  // Its steps find its version in the names of the jars.
  const jars = readdirSync(join(dir, 'lib')).map((jar) => join(dir, 'lib', jar));
  return ['java', '-XX:TieredStopAtLevel=1', '-cp', [join(dir, 'classes'), ...jars].join(':'), 'JedisClient'];
}

/** @returns for each step `ok` or what went wrong */
export async function stepsOf([program, ...args]: Program, port: number, name: string): Promise<Map<string, string>> {
  const { stdout } = await execute(program, [...args, String(port), name], { timeout: programMs });
  const steps = stdout.split('\n').flatMap((line): [string, string][] => {
    const [word, step, ...detail] = line.split(' ');
    return word === 'ok' || word === 'no' ? [[step!, word === 'ok' ? word : detail.join(' ')]] : [];
  });
  return new Map(steps);
}

/** A copy of a language's folder, built once per version of its files. */
async function built(language: string, build: (folder: string) => Promise<void>): Promise<string> {
  const source = join(sources, language);
  const dir = join(cache, `${language}-${digest(source)}`);
  if (existsSync(dir)) return dir;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'new-'));
  try {
    cpSync(source, fresh, { recursive: true });
    await build(fresh);
    renameSync(fresh, dir);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return dir;
}

function digest(folder: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).toSorted(byPath))
    if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)));
  return hash.digest('hex').slice(0, 12);
}

const byPath = (a: { parentPath: string; name: string }, b: { parentPath: string; name: string }): number =>
  join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1;
