// Compiles a TypeScript project and copies what tsc leaves behind (.proto files, web pages). `node scripts/compile.mjs [test]`.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const root = dirname(import.meta.dirname);

/** src/ to dist/. @throws Error when tsc finds an error; tsc has said which. */
export function compileSource() {
  tsc(root);
  copyAssets('src', 'dist');
  if (existsSync(join(root, 'node_modules/preact'))) tsc(join(root, 'src/console'));
  bundleConsole('dist');
}

/** src/ to a folder that is not there yet: dist/ may hold what earlier sources left. */
export function compileInto(folder) {
  tsc(root, ['--outDir', folder, '--incremental', 'false', '--tsBuildInfoFile', 'null']);
  copyAssets('src', folder);
  bundleConsole(folder);
}

/** src/ and test/ to build/, anew each time: a test whose source is gone must not run on. */
export function compileTests() {
  rmSync(join(root, 'build'), { recursive: true, force: true });
  tsc(join(root, 'test'));
  copyAssets('src', 'build/src');
  bundleConsole('build/src');
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

/**
 * The console's page: src/console/ to one script and one style sheet beside the page. Where esbuild is not installed it is left out, with a
 * line: the program then answers /console/ with how to build it.
 */
function bundleConsole(into) {
  const target = resolve(root, into, 'console');
  if (!existsSync(join(root, 'node_modules/esbuild')) || !existsSync(join(root, 'node_modules/preact'))) {
    console.error('the console is left out: its packages are not installed (npm run setup)');
    return;
  }
  const { buildSync } = createRequire(import.meta.url)('esbuild');
  buildSync({
    absWorkingDir: root,
    entryPoints: { console: 'src/console/main.tsx', style: 'src/console/style.css' },
    outdir: target,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
  });
  cpSync(join(root, 'src/console/index.html'), join(target, 'index.html'));
}

function copyAssets(from, to) {
  if (!existsSync(join(root, from))) return;
  const sources = join(root, from, 'console');
  const asset = (path) => path !== sources && (statSync(path).isDirectory() || !/\.ts$|tsconfig\.json$/.test(path));
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
