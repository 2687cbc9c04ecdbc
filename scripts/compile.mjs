// Compiles a TypeScript project and copies what tsc leaves behind (.proto files, web pages). `node scripts/compile.mjs [test]`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = dirname(import.meta.dirname);

/** src/ to dist/. @throws Error when tsc finds an error; tsc has said which. */
export function compileSource() {
  tsc(root);
  copyAssets('src', 'dist');
}

/** src/ to a folder that is not there yet: dist/ may hold what earlier sources left. */
export function compileInto(folder) {
  tsc(root, ['--outDir', folder, '--incremental', 'false', '--tsBuildInfoFile', 'null']);
  copyAssets('src', folder);
}

/** src/ and test/ to build/, anew each time: a test whose source is gone must not run on. */
export function compileTests() {
  rmSync(join(root, 'build'), { recursive: true, force: true });
  tsc(join(root, 'test'));
  copyAssets('src', 'build/src');
  copyAssets('test', 'build/test');
}

function tsc(project, options = []) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  // Output goes to stderr: stdout belongs to what is started afterwards.
  const { status } = spawnSync(process.execPath, [compiler, '-p', project, ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('the TypeScript build failed');
}

function copyAssets(from, to) {
  if (!existsSync(join(root, from))) return;
  const asset = (path) => statSync(path).isDirectory() || !/\.ts$|tsconfig\.json$/.test(path);
  cpSync(join(root, from), resolve(root, to), { recursive: true, filter: asset });
}

if (process.argv[1] === import.meta.filename) {
  try {
    compileSource();
    if (process.argv[2] === 'test') compileTests();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
