// Checks a test's requirements outside this repository: a missing one is a skip with its reason, or with RAFKA_REQUIRE=1 a failure.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';

const root = join(import.meta.dirname, '../../..');

/**
 * `if (!met(t, whyNoCommand('redis-server'))) return;`
 * @param why what is missing; undefined if nothing is
 */
export function met(t: Pick<TestContext, 'skip'>, why: string | undefined): boolean {
  if (why === undefined) return true;
  if (process.env.RAFKA_REQUIRE === '1') assert.fail(`missing, and RAFKA_REQUIRE=1: ${why}`);
  t.skip(why);
  return false;
}

export function whyNoCommand(name: string): string | undefined {
  const found = (process.env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, name)));
  return found ? undefined : `no ${name} on the path`;
}

/** Recorded data that is too large for the repository: RAFKA_SHARED, else a folder `shared` next to the repository. */
export const sharedDir = process.env.RAFKA_SHARED ?? join(root, '../shared');

export function whyNoShared(path: string): string | undefined {
  return existsSync(join(sharedDir, path)) ? undefined : `no ${path} in ${sharedDir} (set RAFKA_SHARED)`;
}

const pythonDir = process.env.RAFKA_PYTHON ?? join(homedir(), '.cache/rafka/python');

/** PYTHONPATH with that major version of redis-py, as .ci/run installs it. */
export function redisPyPath(major: 5 | 6 | 8): string {
  return join(pythonDir, `redis-${major}`);
}

export function whyNoRedisPy(major: 5 | 6 | 8): string | undefined {
  const path = redisPyPath(major);
  const pip = `python3 -m pip install --target ${path} 'redis==${major}.*'`;
  return existsSync(join(path, 'redis')) ? whyNoCommand('python3') : `no redis-py ${major}: ${pip}`;
}

/** PYTHONPATH with grpcio, grpcio-tools and openapi-spec-validator, as .ci/run installs them. */
export const pixyPyPath = join(pythonDir, 'pixy');

export function whyNoPixyPy(): string | undefined {
  const pip = `python3 -m pip install --target ${pixyPyPath} grpcio grpcio-tools openapi-spec-validator`;
  const isThere = ['grpc_tools', 'openapi_spec_validator'].every((name) => existsSync(join(pixyPyPath, name)));
  return isThere ? whyNoCommand('python3') : `no grpcio-tools and openapi-spec-validator: ${pip}`;
}
