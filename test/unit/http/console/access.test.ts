// Who may see the console and act in it; its page and the policy that goes with it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { basic, hashed } from '../../../support/credentials.js';
import { OpenFaces, type OpenFacesOptions } from '../../../support/open-listeners.js';
import { type Answer, type Ask, askUrl } from '../../../support/pixy-lab.js';

const reader = { name: 'app', password: hashed('secret'), consume: ['orders'], groups: ['app', 'billing'] };
const admin = { name: 'root', password: hashed('top'), produce: ['*'], consume: ['*'], groups: ['*'], admin: true };

async function withConsole(
  options: OpenFacesOptions,
  run: (ask: (path: string, ask?: Ask) => Promise<Answer>, faces: OpenFaces) => Promise<void>,
) {
  const faces = await OpenFaces.start({ ops: { allowActions: true, showPayloads: true }, ...options });
  for (const topic of ['orders', 'other']) faces.kafka.createTopic(topic, 1);
  try {
    await run((path, ask) => askUrl(`http://127.0.0.1:${faces.opsPort}${path}`, ask), faces);
  } finally {
    await faces.stop();
  }
}

const logIn = (name: string, password: string): Ask => ({ method: 'POST', body: JSON.stringify({ name, password }) });

describe('who may see the console', () => {
  test('without users a client of this machine needs no password, by a name of this machine only', () =>
    withConsole({}, async (ask) => {
      assert.equal((await ask('/api/v1/session')).json.user, 'default');
      assert.equal((await ask('/api/v1/session', { headers: { host: 'evil.example' } })).status, 403);
      assert.equal((await ask('/api/v1/session', { headers: { origin: 'http://evil.example' } })).status, 403);
      assert.equal((await ask('/api/v1/session', { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
    }));

  test('with users: Basic, or a login whose cookie no script can read; a logout ends it', () =>
    withConsole({ users: [reader, admin] }, async (ask) => {
      assert.equal((await ask('/api/v1/session')).status, 401);
      assert.equal(
        (await ask('/api/v1/session', { headers: { authorization: basic('app', 'secret') } })).json.user,
        'app',
      );
      const wrong = await ask('/api/v1/login', logIn('app', 'no'));
      assert.deepEqual([wrong.status, wrong.headers['set-cookie']], [401, undefined]);
      const { status, headers } = await ask('/api/v1/login', logIn('app', 'secret'));
      const [set = ''] = headers['set-cookie'] ?? [];
      assert.equal(status, 200);
      assert.match(set, /^rafka_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
      const cookie = set.split(';')[0]!;
      assert.equal((await ask('/api/v1/session', { headers: { cookie } })).json.user, 'app');
      await ask('/api/v1/logout', { method: 'POST', headers: { cookie } });
      assert.equal((await ask('/api/v1/session', { headers: { cookie } })).status, 401);
    }));

  test('a user sees his topics and groups only; what he may not see is not permitted, not absent', () =>
    withConsole({ users: [reader, admin] }, async (ask, { kafka }) => {
      const headers = { authorization: basic('app', 'secret') };
      for (const group of ['billing', 'foreign'])
        await kafka.admin.commitGroupOffsets(group, [{ topic: 'orders', partition: 0, offset: 0, metadata: '' }]);
      const names = (answer: Answer, key: string): string[] =>
        answer.json.rows.map((row: Record<string, string>) => row[key]);
      assert.deepEqual(names(await ask('/api/v1/topics', { headers }), 'name'), ['orders']);
      assert.deepEqual(names(await ask('/api/v1/groups', { headers }), 'group'), ['billing']);
      for (const path of ['/topics/other', '/topics/other/messages', '/topics/other/tail', '/groups/foreign'])
        assert.equal((await ask(`/api/v1${path}`, { headers })).status, 403, path);
    }));

  test('a live tail ends when its user loses the right to the topic', () =>
    withConsole({ users: [reader, admin] }, async (_ask, { kafka, opsPort, users }) => {
      const response = await fetch(`http://127.0.0.1:${opsPort}/api/v1/topics/orders/tail`, {
        headers: { authorization: basic('app', 'secret') },
        signal: AbortSignal.timeout(30_000),
      });
      let text = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (!chunk.includes('event: begun')) continue;
        users.reload({ usersFile: 'users.json' }, () => JSON.stringify([{ ...reader, consume: ['other'] }, admin]));
        kafka.seed('orders', 0, 'for others');
      }
      assert.match(text, /event: failed\ndata: .*no permissions to consume 'orders'/);
      assert.doesNotMatch(text, /for others/);
    }));

  test('actions need an admin, the token, and ops.allowActions', async () => {
    const send = { method: 'POST', body: '{"value":"x"}' };
    const path = '/api/v1/topics/orders/messages';
    const code = (answer: Answer): unknown => [answer.status, answer.json.code];
    await withConsole({ users: [{ ...reader, produce: ['orders'] }, admin] }, async (ask) => {
      const headers = { authorization: basic('root', 'top') };
      const { token } = (await ask('/api/v1/session', { headers })).json;
      assert.deepEqual(code(await ask(path, { ...send, headers })), [403, 'csrf-missing']);
      assert.equal((await ask(path, { ...send, headers: { ...headers, 'x-csrf-token': token } })).status, 200);
      const others = { authorization: basic('app', 'secret') };
      const theirs = (await ask('/api/v1/session', { headers: others })).json.token;
      assert.notEqual(theirs, token);
      assert.deepEqual(code(await ask(path, { ...send, headers: { ...others, 'x-csrf-token': theirs } })), [
        403,
        'not-permitted',
      ]);
      assert.deepEqual(code(await ask(path, { ...send, headers: { ...headers, 'x-csrf-token': theirs } })), [
        403,
        'csrf-missing',
      ]);
    });
    await withConsole({ ops: {} }, async (ask) => {
      const { token } = (await ask('/api/v1/session')).json;
      assert.deepEqual(code(await ask(path, { ...send, headers: { 'x-csrf-token': token } })), [403, 'actions-off']);
    });
  });
});

describe('the page of the console', () => {
  test('/ leads there, and nothing of it is inline or from elsewhere', () =>
    withConsole({}, async (ask) => {
      assert.deepEqual([(await ask('/')).status, (await ask('/')).headers.location], [302, 'console/']);
      const page = await ask('/console/');
      assert.equal(page.status, 200);
      assert.match(String(page.headers['content-security-policy']), /^default-src 'self';/);
      assert.doesNotMatch(page.text, /<script[^>]*>[^<]|<style| on\w+=|https?:\/\/|(src|href)="\//);
      const script = await ask('/console/console.js', { headers: { 'accept-encoding': 'gzip' } });
      assert.deepEqual([script.status, script.headers['content-encoding']], [200, 'gzip']);
      const again = await ask('/console/console.js', { headers: { 'if-none-match': String(script.headers.etag) } });
      assert.equal(again.status, 304);
      assert.equal((await ask('/console/../main.js')).status, 404);
      assert.equal((await ask('/metrics')).status, 200, 'the other endpoints are still there');
    }));

  test('it is less than 120 kB, gzipped', () => {
    const files = ['index.html', 'console.js', 'style.css'];
    const sizes = files.map(
      (file) => gzipSync(readFileSync(new URL(`../../../../src/console/${file}`, import.meta.url))).length,
    );
    assert.ok(sizes.reduce((sum, size) => sum + size) < 120_000, sizes.join(' '));
  });

  test('without ops.console there is none', () =>
    withConsole({ ops: { console: false } }, async (ask) => {
      assert.equal((await ask('/console/')).status, 404);
      assert.equal((await ask('/api/v1/session')).status, 404);
    }));
});
