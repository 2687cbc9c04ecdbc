// Errors that users' code leaves unhandled, in a process of its own: Node tells in whose context they arose.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const script = (module: string): string => `
import { readFile } from 'node:fs/promises';
const { runForeign, reportStray } = await import(${JSON.stringify(module)});
const handler = (error) => { if (!reportStray(error)) console.log('ours: ' + error.message); };
process.on('unhandledRejection', handler);
process.on('uncaughtException', handler);
const as = (name, call) => runForeign((error) => console.log(name + ': ' + error.message), call);
as('a', () => { Promise.reject(new Error('at once')); });
as('b', () => { (async () => { await readFile(process.execPath.slice(0, 1)).catch(() => {}); throw new Error('behind an await'); })(); });
as('c', () => { setTimeout(() => { Promise.reject(new Error('in a timer')); }); });
as('d', () => { setTimeout(() => { throw new Error('thrown in a timer'); }); });
as('e', () => { new Promise((_, reject) => setImmediate(() => reject(new Error('by a callback')))); });
as('f', () => { Promise.reject(new Error('derived')).then(() => {}).finally(() => {}); });
Promise.reject(new Error('at once'));
setTimeout(() => { throw new Error('in a timer'); });
await as('g', async () => 1);
setImmediate(() => Promise.reject(new Error('behind a call')));
`;

test('each error is reported to the code that left it, and ours is told apart', async () => {
  const module = new URL('../../../src/core/stray-errors.js', import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script(module)]);
  assert.deepEqual(stdout.trim().split('\n').sort(), [
    'a: at once',
    'b: behind an await',
    'c: in a timer',
    'd: thrown in a timer',
    'e: by a callback',
    'f: derived',
    'ours: at once',
    'ours: behind a call',
    'ours: in a timer',
  ]);
});
