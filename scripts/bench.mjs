// Runs the benchmarks in test/bench one after another: all, or those named (`npm run bench -- resp`); flags are handed to them.
// `npm run bench -- --quick`: the gateway's hot paths alone, in short forms.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileSource, compileTests } from './compile.mjs';

const dir = join(dirname(import.meta.dirname), 'build/test/bench');
compileSource();
compileTests();
const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const hotPaths = ['gateway-produce', 'gateway-consume', 'gateway-latency'];
const wanted = named.length === 0 && flags.includes('--quick') ? hotPaths : named;
const all = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.js')) : [];
const chosen = all.filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (chosen.length === 0) console.error(`no benchmark fits; there are: ${all.join(' ') || 'none'}`);
for (const name of chosen) {
  console.error(`bench: ${name}`);
  const { status } = spawnSync(process.execPath, [join(dir, name), ...flags], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
