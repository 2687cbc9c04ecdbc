// The client libraries of docs/CLIENTS.md: how each one's program (test/compat/clients) is built and run. Versions are pinned here for
// Python, and in the language's own file (package.json, go.mod, Cargo.toml, pom.xml) for the others; the rest is what the system installed.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Language {
  /** Commands without which its programs cannot be run here. */
  readonly needs: readonly string[];
  /** Installs and builds in a copy of the language's folder. @throws what the tool printed */
  readonly build?: (dir: string) => void;
}

export interface Client {
  readonly name: string;
  readonly language: string;
  /** A folder of test/compat/clients. */
  readonly folder: keyof typeof languages;
  /** The program and its arguments around PORT and NAME, to run in the copied folder. */
  readonly program: readonly string[];
  /** What follows PORT and NAME. */
  readonly last?: string;
  /** Requirements for PyPI. */
  readonly pip?: string;
}

const tool = (dir: string, command: string, ...args: string[]): void => {
  execFileSync(command, args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], timeout: 540_000 });
};

export const languages = {
  python: { needs: ['python3'] },
  node: { needs: ['node', 'npm'], build: (dir) => tool(dir, 'npm', 'install', '--no-audit', '--no-fund') },
  go: { needs: ['go'], build: (dir) => tool(dir, 'go', 'build', '-o', 'bin/', './...') },
  java: {
    needs: ['mvn', 'javac'],
    build: (dir) => tool(dir, 'mvn', '-q', '-B', 'dependency:copy-dependencies', 'compile'),
  },
  rust: { needs: ['cargo'], build: (dir) => tool(dir, 'cargo', 'build', '--locked', '--quiet') },
  c: { needs: ['cc'], build: (dir) => tool(dir, 'cc', '-Wall', '-o', 'hiredis', 'hiredis.c', '-lhiredis') },
  php: { needs: ['php', 'redis-cli'] },
  ruby: { needs: ['ruby'] },
  perl: { needs: ['perl'] },
  lua: { needs: ['lua5.1'] },
} satisfies Record<string, Language>;

/** Installs a Python client in a folder of its own. @returns what it is run with */
export function installPython(dir: string, pip: string): Record<string, string> {
  const target = join(dir, 'packages', pip.replaceAll('=', '-'));
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input', '--root-user-action=ignore'];
  if (!existsSync(target)) tool(dir, 'python3', '-m', 'pip', 'install', ...quiet, '--target', target, pip);
  return { PYTHONPATH: target, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' };
}

const python = (name: string, pip: string, file: string, last?: string): Client => ({
  ...{ name, language: 'Python', folder: 'python', program: ['python3', `${file}.py`], pip },
  ...(last === undefined ? {} : { last }),
});
const node = (name: string, file: string, last: string): Client => ({
  ...{ name, language: 'JavaScript', folder: 'node', program: ['node', `${file}.mjs`], last },
});
const go = (name: string, program: string): Client => ({
  name,
  language: 'Go',
  folder: 'go',
  program: [`bin/${program}`],
});
const java = (name: string, program: string, last?: string): Client => ({
  ...{ name, language: 'Java', folder: 'java', program: ['sh', 'run.sh', program] },
  ...(last === undefined ? {} : { last }),
});
const rust = (name: string, program: string): Client => ({
  ...{ name, language: 'Rust', folder: 'rust', program: [`target/debug/${program}`] },
});

export const clients: readonly Client[] = [
  node('ioredis 5', 'ioredis', 'ioredis5'),
  node('ioredis 6', 'ioredis', 'ioredis6'),
  node('iovalkey', 'ioredis', 'iovalkey'),
  node('node-redis 3', 'node-redis3', 'redis3'),
  node('node-redis 4', 'node-redis', 'redis4'),
  node('node-redis 5', 'node-redis', 'redis5'),
  node('node-redis 6', 'node-redis', 'redis6'),
  node('Valkey GLIDE (Node)', 'glide', '@valkey/valkey-glide'),
  python('redis-py 5', 'redis==5.3.1', 'redis_py', 'redis'),
  python('redis-py 6', 'redis==6.4.0', 'redis_py', 'redis'),
  python('redis-py 8', 'redis==8.1.0', 'redis_py', 'redis'),
  python('redis-py 8 (asyncio)', 'redis==8.1.0', 'redis_asyncio', 'redis'),
  python('aioredis', 'aioredis==2.0.1', 'redis_asyncio', 'aioredis'),
  python('valkey-py', 'valkey==6.2.0', 'redis_py', 'valkey'),
  python('coredis', 'coredis==6.9.0', 'coredis_client'),
  python('Valkey GLIDE (Python)', 'valkey-glide==2.6.0', 'glide_client'),
  go('go-redis 9', 'goredis'),
  go('rueidis', 'rueidis'),
  go('valkey-go', 'valkeygo'),
  go('redigo', 'redigo'),
  java('Jedis 8', 'JedisClient'),
  java('Lettuce 7', 'LettuceClient'),
  java('Redisson 4', 'RedissonClientSteps'),
  java('Spring Data Redis 4 (Lettuce)', 'SpringData', 'lettuce'),
  java('Spring Data Redis 4 (Jedis)', 'SpringData', 'jedis'),
  rust('redis-rs', 'redis_rs'),
  rust('fred', 'fred_rs'),
  { name: 'hiredis', language: 'C', folder: 'c', program: ['./hiredis'] },
  { name: 'phpredis', language: 'PHP', folder: 'php', program: ['php', 'phpredis.php'] },
  { name: 'Predis', language: 'PHP', folder: 'php', program: ['php', 'predis.php'] },
  { name: 'redis-rb 4', language: 'Ruby', folder: 'ruby', program: ['ruby', 'redis_rb.rb'] },
  { name: 'redis-rb 5', language: 'Ruby', folder: 'ruby', program: ['sh', 'redis_rb5.sh'] },
  { name: 'Redis.pm', language: 'Perl', folder: 'perl', program: ['perl', 'redis.pl'], last: 'Redis' },
  { name: 'Redis::Fast', language: 'Perl', folder: 'perl', program: ['perl', 'redis.pl'], last: 'Redis::Fast' },
  { name: 'redis-lua', language: 'Lua', folder: 'lua', program: ['lua5.1', 'redis_lua.lua'] },
];

/** Libraries without a program that ran, and why. */
export const notRun: readonly { readonly name: string; readonly language: string; readonly why: string }[] = [
  { name: 'StackExchange.Redis', language: 'C#', why: 'needs .NET and NuGet' },
  { name: 'redis-plus-plus', language: 'C++', why: 'no package in Debian, PyPI or npm' },
  { name: 'hedis', language: 'Haskell', why: 'needs GHC' },
  { name: 'Redix', language: 'Elixir', why: 'needs hex.pm' },
];
