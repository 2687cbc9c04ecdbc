// What the native client in a package needs of the machine it runs on.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What Node itself needs as well: where it runs they are there. */
const expected = /^(ld-linux[\w-]*|libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+|libc\.musl-\w+)\.so(\.\d+)?$/;
/** In the package. */
const ours = /^librdkafka(\+\+)?\.so\.1$/;

/**
 * @param {string} folder of shared libraries and addons
 * @returns {{ libraries: string[], symbols: string[], libc: 'glibc' | 'musl' }} libraries that are not in the package, and
 *   the newest version of each set of symbols, such as GLIBC_2.34
 */
export function needsOf(folder) {
  const libraries = new Set();
  const newest = new Map();
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.(node|so\.1)$/.test(name)) continue;
    const text = readelf('-dV', join(folder, name));
    for (const [, library] of text.matchAll(/\(NEEDED\)\s+Shared library: \[(.+?)\]/g))
      if (!ours.test(library)) libraries.add(library);
    for (const [, set, version] of text.matchAll(/Name: (GLIBC|GLIBCXX|CXXABI)_([\d.]+)/g))
      if (!newest.has(set) || isNewer(version, newest.get(set))) newest.set(set, version);
  }
  const libc = [...libraries].some((name) => name.includes('musl')) ? 'musl' : 'glibc';
  return { libraries: [...libraries].sort(), symbols: [...newest].map(([set, version]) => `${set}_${version}`), libc };
}

/** @throws Error naming libraries that a machine with Node alone may not have */
export function refuseUnexpected({ libraries }) {
  const others = libraries.filter((name) => !expected.test(name));
  if (others.length > 0) throw new Error(`the native client needs ${others.join(', ')}, which not every machine has`);
}

function readelf(flags, file) {
  const { status, stdout, error } = spawnSync('readelf', ['-W', flags, file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`readelf could not read ${file}: ${error?.message ?? ''}`);
  return stdout;
}

function isNewer(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const at = a.findIndex((part, index) => part !== (b[index] ?? 0));
  return at >= 0 && a[at] > (b[at] ?? 0);
}
