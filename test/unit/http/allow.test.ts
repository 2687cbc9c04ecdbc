// A method that a path does not have: 405, with those that it has in Allow (RFC 9110, 15.5.6).
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Stats } from '../../../src/core/stats/stats.js';
import { type ApiOptions, createApi } from '../../../src/http/api.js';

test('405 names the methods that there are', async () => {
  const options = { ops: { endpoints: {} }, stats: new Stats(), maxBodyBytes: 1_000, version: '1' };
  const server = createServer(createApi(options as unknown as ApiOptions)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    for (const [method, path, allowed] of [
      ['PUT', '/topics', 'GET'],
      ['OPTIONS', '/topics/x/messages', 'GET, POST'],
      ['DELETE', '/clusters/default/topics/x/acks', 'POST'],
      ['POST', '/_ping', 'GET'],
    ] as const) {
      const { port } = server.address() as AddressInfo;
      const { status, headers } = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      assert.equal(status, 405);
      assert.equal(headers.get('allow')?.split(', ').sort().join(', '), allowed, `${method} ${path}`);
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
