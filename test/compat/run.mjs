// Stock Redis clients and stream libraries against a gateway: each produces and consumes, with a consumer that crashes in the middle.
// node test/compat/run.mjs PORT [--count 10000] [--only ioredis,jedis] [--python PYTHON] [--jars DIR]
// What each needs: python3 -m venv + pip install 'redis>=8' 'faststream[redis]'; Go; mvn dependency:copy-dependencies (see README.md).
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const here = import.meta.dirname;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '10000' },
    only: { type: 'string' },
    python: { type: 'string', default: 'python3' },
    jars: { type: 'string', default: join(here, 'java/target/dependency') },
  },
});
const [port] = positionals;
const count = Number(values.count);

const programs = {
  'redis-py': [values.python, join(here, 'python/redis_py.py')],
  faststream: [values.python, join(here, 'python/faststream_app.py')],
  watermill: [join(here, 'go/compat')],
  ioredis: ['node', join(here, 'node/ioredis.mjs')],
  'node-redis': ['node', join(here, 'node/node-redis.mjs')],
  jedis: ['java', '-cp', `${join(here, 'java/target/classes')}:${values.jars}/*`, 'Compat'],
};

let failed = false;
for (const [name, command] of Object.entries(programs)) {
  if (values.only && !values.only.split(',').includes(name)) continue;
  try {
    if (name === 'watermill') execFileSync('go', ['build', '-o', 'compat', '.'], { cwd: join(here, 'go') });
    console.log(`${name}: ${await exercise(name, command)}`);
  } catch (error) {
    failed = true;
    console.log(`${name}: FAILED ${error.message}`);
  }
}
process.exitCode = failed ? 1 : 0;

async function exercise(name, command) {
  const stream = `compat-${name}-${Date.now()}`;
  const producing = await run(command, [port, stream, 'produce', count]);
  if (producing.code !== 0) throw new Error(`producing ended with ${producing.code}: ${producing.errors}`);
  const crashed = await run(command, [port, stream, 'consume', count, Math.floor(count / 2)]);
  if (crashed.code === 0) throw new Error('the first consumer did not crash');
  const second = await run(command, [port, stream, 'consume', count]);
  if (second.code !== 0) throw new Error(`the second consumer ended with ${second.code}: ${second.errors}`);
  const all = [...crashed.got, ...second.got];
  const distinct = new Set(all);
  const missing = Array.from({ length: count }, (_, n) => `n${n}`).filter((value) => !distinct.has(value));
  if (missing.length > 0) throw new Error(`${missing.length} entries missing, the first: ${missing.slice(0, 3)}`);
  return `${count} produced, ${crashed.got.length} consumed before the crash, ${second.got.length} after, ${all.length - count} twice`;
}

/** What a program printed as `got VALUE`. */
async function run([program, ...fixed], args) {
  const child = spawn(program, [...fixed, ...args.map(String)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const got = [];
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('got ') && got.push(line.slice(4)));
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 300_000);
  const code = await new Promise((resolve) => child.once('close', (exit, signal) => resolve(exit ?? signal)));
  clearTimeout(tooLong);
  return { code, got, errors };
}
