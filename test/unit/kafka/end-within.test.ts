// The end of the process: threads of libuv's pool that never come back do not keep it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module = new URL('../../../src/kafka/native.js', import.meta.url).href;

test('a process whose pool thread is stuck ends all the same, with its exit code', { timeout: 60_000 }, async () => {
  // Minutes of work for one thread of the pool, and Node waits for it.
  const script = `
    import { pbkdf2 } from 'node:crypto';
    import { endWithin } from ${JSON.stringify(module)};
    pbkdf2('secret', 'salt', 2 ** 31 - 1, 64, 'sha512', () => {});
    process.on('exit', (code) => endWithin(code, 100));
    setTimeout(() => process.exit(3), 50);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit', timeout: 50_000 });
  assert.deepEqual(await once(child, 'exit'), [3, null]);
});
