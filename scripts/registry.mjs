// Packages of the npm registry that are fetched as they are, each pinned by its integrity.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * Fetches one package into `folder`, which is made.
 * @param {{name: string, version: string, integrity: string}} pinned
 * @returns {string} path of its tarball
 * @throws Error when it can't be had, or is not the pinned one
 */
export function fetchPackage({ name, version, integrity }, folder) {
  mkdirSync(folder, { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [findNpm('bin/npm-cli.js'), 'pack', `${name}@${version}`, '--json', '--loglevel=error'],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`${name}@${version} could not be fetched from the npm registry:\n${stderr}`);
  const tarball = join(folder, JSON.parse(stdout)[0].filename);
  const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (found !== integrity)
    throw new Error(
      `${name}@${version} is not the pinned one: its integrity is ${found}, package.json says ${integrity}`,
    );
  return tarball;
}

/** Unpacks some paths of a tarball; the leading folder, `package`, falls away. @throws Error with tar's words */
export function unpack(tarball, into, paths) {
  mkdirSync(into, { recursive: true });
  const members = paths.map((path) => `package/${path}`);
  const args = ['-xzf', tarball, '-C', into, '--strip-components=1', '--no-same-owner', ...members];
  const { status, error, stderr } = spawnSync('tar', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar could not unpack ${tarball}: ${error?.message ?? stderr}`);
}

/** A file of npm, which brings node-gyp: of the npm that runs us, the one beside node, or the one on the path. */
export function findNpm(file) {
  const npms = [process.env.npm_execpath, join(dirname(process.execPath), 'npm')];
  for (const dir of (process.env.PATH ?? '').split(delimiter)) npms.push(join(dir, 'npm'));
  for (const npm of npms) {
    if (!npm || !existsSync(npm)) continue;
    const found = join(dirname(dirname(realpathSync(npm))), file);
    if (existsSync(found)) return found;
  }
  throw new Error('npm (which brings node-gyp) was not found; install Node.js together with npm');
}
