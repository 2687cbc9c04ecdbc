// What is in a package, as CycloneDX, and the sums of its files.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const versionProbe = `#include <openssl/opensslv.h>
#include <zlib.h>
#include <zstd.h>
@ OPENSSL_VERSION_STR ZLIB_VERSION ZSTD_VERSION_MAJOR ZSTD_VERSION_MINOR ZSTD_VERSION_RELEASE
`;

/**
 * npm's list of the packages in `folder`, and the libraries that are linked into the native client.
 * @param npm runs npm in a folder and returns what it wrote
 * @returns {string} JSON
 */
export function billOfMaterials(folder, npm, librdkafka) {
  const sbom = JSON.parse(npm(folder, 'sbom', '--sbom-format=cyclonedx', '--omit=dev', '--sbom-type=application'));
  sbom.components.push(...linkedLibraries(librdkafka));
  return `${JSON.stringify(sbom, null, 2)}\n`;
}

function linkedLibraries(librdkafka) {
  const { stdout, status } = spawnSync('g++', ['-E', '-P', '-x', 'c++', '-'], {
    input: versionProbe,
    encoding: 'utf8',
  });
  const [openssl, zlib, ...zstd] = (
    stdout
      .split('@')
      .at(-1)
      .match(/"[^"]+"|\d+/g) ?? []
  ).map((text) => text.replaceAll('"', ''));
  if (status !== 0 || zstd.length !== 3) throw new Error('the versions of OpenSSL, zlib and zstd could not be read');
  return [
    library('librdkafka', librdkafka, 'BSD-2-Clause', 'confluentinc/librdkafka'),
    library('openssl', openssl, 'Apache-2.0', 'openssl/openssl'),
    library('zstd', zstd.join('.'), 'BSD-3-Clause', 'facebook/zstd'),
    library('zlib', zlib, 'Zlib', 'madler/zlib'),
  ];
}

function library(name, version, license, repository) {
  const purl = `pkg:github/${repository}@${version}`;
  return { 'bom-ref': purl, type: 'library', name, version, licenses: [{ license: { id: license } }], purl };
}

/** Lines as sha256sum writes them, of all files below a folder but SHA256SUMS itself. */
export function sumsOf(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name !== 'SHA256SUMS' && statSync(join(folder, name)).isFile())
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('');
}
