// Runs the benchmarks in test/bench one after another: all, or those named (`npm run bench -- resp`).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileSource, compileTests } from './compile.mjs';

const dir = join(dirname(import.meta.dirname), 'build/test/bench');
compileSource();
compileTests();
const wanted = process.argv.slice(2);
const all = existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.js')) : [];
const chosen = all.filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (chosen.length === 0) console.error(`no benchmark fits; there are: ${all.join(' ') || 'none'}`);
for (const name of chosen) {
  console.error(`bench: ${name}`);
  const { status } = spawnSync(process.execPath, [join(dir, name)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
