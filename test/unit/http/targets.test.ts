// Request targets of every form, and what is refused before there is a request: by a listener as the program opens it.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Stats } from '../../../src/core/stats/stats.js';
import { type ApiOptions, createApi } from '../../../src/http/api.js';
import { type BoundServer, closeListener, listenTcp } from '../../../src/http/listeners.js';

const limits = {
  maxHeaderBytes: 1_024,
  maxBodyBytes: 1_000,
  maxConnections: 10,
  headersTimeoutMs: 300,
  requestTimeoutMs: 300,
  keepAliveMs: 5_000,
};

describe('what arrives at an HTTP listener', () => {
  let listener: BoundServer;
  before(async () => {
    const options = { ops: { endpoints: {} }, stats: new Stats(), maxBodyBytes: 1_000, version: '1' };
    listener = await listenTcp({ host: '127.0.0.1', port: 0 }, limits, createApi(options as unknown as ApiOptions));
  });
  after(() => closeListener(listener));

  /** Everything that comes back until the server closes. */
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(listener.address.split(':')[1]), '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(answer));
    });
  const ask = (target: string, method = 'GET') =>
    raw(`${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

  for (const [target, location] of [
    ['//topics?withConfig', '/topics?withConfig'],
    ['/topics//t/messages?group=a//b', '/topics/t/messages?group=a//b'],
    ['/clusters/c/../d/./topics/', '/clusters/d/topics/'],
    ['//other.host/..', '/'],
    ['//other.host', '/other.host'],
    ['/topics/.', '/topics'],
  ] as const)
    it(`${target} is redirected`, async () => {
      const answer = await ask(target, 'POST');
      assert.match(answer, /^HTTP\/1\.1 301 /);
      assert.equal(/^location: (.*)\r$/im.exec(answer)?.[1], location);
    });

  it('a target in the form for proxies is that of its path', async () => {
    assert.match(await ask('http://x:1/_ping'), /^HTTP\/1\.1 200 .*pong$/s);
    assert.match(await ask('http://x/nowhere'), /^HTTP\/1\.1 404 /);
    assert.match(await ask('/t..opic/.x/...'), /^HTTP\/1\.1 404 /);
  });

  for (const [what, text, status, error] of [
    ['nonsense', 'nonsense\r\n\r\n', 400, 'malformed request'],
    ['a long head', `GET / HTTP/1.1\r\nX: ${'x'.repeat(2_000)}\r\n\r\n`, 431, 'request head is too large'],
    ['a slow head', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow', 408, 'the request did not come in time'],
  ] as const)
    it(`${what} is refused with a JSON body`, async () => {
      const [head = '', body = ''] = (await raw(text)).split('\r\n\r\n');
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} .*Content-Type: application/json.*Connection: close`, 's'));
      assert.deepEqual(JSON.parse(body), { error });
    });
});
