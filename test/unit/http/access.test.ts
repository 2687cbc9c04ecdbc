// Who may use the REST listener: users and their rights, protected mode, names of hosts, web pages.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { fail } from '../../../src/errors.js';
import { basic, hashed } from '../../support/credentials.js';
import { met } from '../../support/needs.js';
import { OpenFaces, type OpenFacesOptions } from '../../support/open-listeners.js';
import { type Answer, type Ask, askUrl } from '../../support/pixy-lab.js';

const app = {
  name: 'app',
  password: hashed('secret'),
  tokens: [hashed('t0ken')],
  produce: ['orders'],
  consume: ['orders', 'log*'],
  groups: ['billing'],
};
const root = { ...app, name: 'root', tokens: [], produce: ['*'], consume: ['*'], groups: ['*'], admin: true };
const text = { 'content-type': 'text/plain' };

type AskFace = (path: string, ask?: Ask) => Promise<Answer>;

async function withListeners(
  options: OpenFacesOptions,
  run: (ask: AskFace, listeners: OpenFaces) => Promise<void>,
): Promise<void> {
  const listeners = await OpenFaces.start(options);
  try {
    for (const topic of ['orders', 'other', 'logs', '__secret']) listeners.kafka.createTopic(topic, 1);
    await run((path, ask) => askUrl(`http://127.0.0.1:${listeners.httpPort}${path}`, ask), listeners);
  } finally {
    await listeners.stop();
  }
}

const as = (authorization: string, ask: Ask = {}): Ask => ({ ...ask, headers: { ...ask.headers, authorization } });
const put: Ask = { method: 'POST', body: 'x', headers: text };

describe('REST with users', () => {
  test('without credentials, and with wrong ones, nothing is done: 401 that says what to send', () =>
    withListeners({ users: [app] }, async (ask, { kafka }) => {
      const wrong = [
        'Bearer nope',
        'Bearer secret',
        'Digest x',
        'Basic',
        'Basic ???',
        basic('app', 'no'),
        basic('who', 'secret'),
      ];
      for (const authorization of [undefined, '', ...wrong]) {
        const { status, headers, json } = await ask(
          '/topics/orders/messages?sync',
          authorization === undefined ? put : as(authorization, put),
        );
        assert.equal(status, 401, authorization);
        assert.match(String(headers['www-authenticate']), /Basic realm="rafka".*Bearer/);
        const missing = authorization === undefined || authorization === '';
        assert.deepEqual(json, { error: fail(missing ? 'no-auth' : 'wrong-password').message });
      }
      for (const path of ['/topics', '/topics/orders', '/topics/orders/messages?group=billing', '/metrics'])
        assert.equal((await ask(path)).status, 401, path);
      assert.equal(kafka.producers.size, 0);
    }));

  test('a name with its password, and a token, are let in; the default user by password alone', () =>
    withListeners({ users: [app], requirepass: 'sesame:1' }, async (ask) => {
      for (const authorization of [
        basic('app', 'secret'),
        'Bearer t0ken',
        'bearer t0ken',
        'Bearer sesame:1',
        basic('', 'sesame:1'),
      ]) {
        for (let times = 0; times < 2; times++)
          assert.equal((await ask('/topics/orders/messages?sync', as(authorization, put))).status, 200, authorization);
      }
      assert.equal((await ask('/topics/other/messages?sync', as('Bearer sesame:1', put))).status, 200);
    }));

  test('a user has the rights on topics and groups that it has over RESP', () =>
    withListeners({ users: [app, root] }, async (ask) => {
      const me = basic('app', 'secret');
      const refused = async (path: string, what: Ask, reason: RegExp): Promise<void> => {
        const { status, json } = await ask(path, as(me, what));
        assert.equal(status, 403, path);
        assert.match(json.error, reason);
      };
      await refused('/topics/other/messages', put, /User app has no permissions to produce to 'other'/);
      await refused('/topics/other/messages?sync', put, /produce to 'other'/);
      await refused('/topics/other/messages?group=billing', {}, /consume 'other'/);
      await refused('/topics/orders/messages?group=foreign', {}, /join the group 'foreign'/);
      await refused('/topics/orders/acks?group=foreign&partition=0&offset=0', { method: 'POST' }, /join the group/);
      await refused('/topics/orders/offsets?group=foreign', {}, /join the group/);
      await refused('/topics/orders/consumers?group=foreign', {}, /join the group/);
      await refused('/topics/other/consumers', {}, /see 'other'/);
      await refused('/topics/other', {}, /see 'other'/);
      await refused('/topics/orders/offsets?group=billing', { method: 'POST', body: '[]' }, /needs an admin/);
      await refused('/topics?withConfig', {}, /needs an admin/);
      await refused('/metrics', {}, /needs an admin/);
      assert.equal((await ask('/topics/orders/messages?group=billing', as(me))).status, 408);
      assert.equal((await ask('/topics/orders/offsets?group=billing', as(me))).status, 200);
      assert.deepEqual((await ask('/topics', as(me))).json, ['logs', 'orders']);
      assert.equal('config' in (await ask('/topics/orders', as(me))).json, false);
      const admin = basic('root', 'secret');
      assert.equal('config' in (await ask('/topics/orders', as(admin))).json, true);
      assert.equal((await ask('/metrics', as(admin))).status, 200);
      assert.deepEqual((await ask('/topics', as(admin))).json, ['logs', 'orders', 'other']);
      const { status, json } = await ask('/topics/__secret/messages?group=g', as(admin));
      assert.deepEqual([status, /internal/.test(json.error)], [400, true], "topics that are Kafka's own are nobody's");
    }));

  test('what shows nothing is open: whoever watches the process has no password', () =>
    withListeners({ users: [app] }, async (ask) => {
      for (const path of ['/_ping', '/healthz', '/readyz', '/openapi.json'])
        assert.equal((await ask(path)).status, 200, path);
      assert.equal((await ask('/nothing')).status, 404);
    }));
});

describe('names on the REST listener', () => {
  test('a topic or group that can be none is refused before anything is asked: ^log.* was a subscription to every log', () =>
    withListeners({}, async (ask, { kafka }) => {
      for (const topic of ['^log.*', 'a b', 'ä', 'x'.repeat(250)]) {
        const path = `/topics/${encodeURIComponent(topic)}`;
        for (const [what, options] of [
          ['/messages?group=g', {}],
          ['/messages', put],
          ['/messages?sync', put],
          ['/acks?group=g&partition=0&offset=0', { method: 'POST' }],
          ['/offsets?group=g', {}],
          ['/offsets?group=g', { method: 'POST', body: '[]' }],
          ['/consumers', {}],
          ['/consumers?group=g', {}],
          ['', {}],
        ] as const) {
          const { status, json } = await ask(`${path}${what}`, options);
          assert.equal(status, 400, `${topic} ${what}`);
          assert.match(json.error, /^Invalid topic name/);
        }
      }
      assert.match((await ask('/topics/orders/messages?group=a%00b')).json.error, /^Invalid group name/);
      assert.deepEqual([kafka.consumers.size, kafka.producers.size], [0, 0]);
    }));
});

describe('REST without users', () => {
  const statusOf = async (ask: AskFace, headers: Record<string, string>): Promise<number> =>
    (await ask('/topics/orders/messages?sync', { ...put, headers: { ...text, ...headers } })).status;

  test('a name that was made to point here is refused, with the key that allows it', () =>
    withListeners(
      { access: { allowedHosts: ['gw.example.com', '*.svc.cluster.local'] } },
      async (ask, { httpPort }) => {
        const right = [
          'localhost',
          'LOCALHOST.',
          'rafka.localhost',
          'kafka-pixy',
          '127.0.0.1',
          '[::1]',
          '10.1.2.3',
          'GW.example.com',
          'a.b.svc.cluster.local',
        ];
        for (const host of right) assert.equal(await statusOf(ask, { host: `${host}:${httpPort}` }), 200, host);
        for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', 'xgw.example.com']) {
          const { status, json } = await ask('/topics', { headers: { host: `${host}:${httpPort}` } });
          assert.equal(status, 403, host);
          assert.ok(json.error.includes(`'${host}'`) && json.error.includes('http.allowedHosts'), json.error);
          assert.equal((await ask('/metrics', { headers: { host } })).status, 403);
        }
      },
    ));

  test('a web page of elsewhere can neither produce nor take messages', () =>
    withListeners({ access: { allowedHosts: ['shop.example.com'] } }, async (ask, { httpPort, kafka }) => {
      for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'http://10.0.0.1', ''])
        assert.equal(await statusOf(ask, { origin }), 403, origin);
      assert.equal(await statusOf(ask, { 'sec-fetch-site': 'cross-site' }), 403, 'an image, a link');
      assert.equal(kafka.producers.size, 0);
      const own = `http://127.0.0.1:${httpPort}`;
      for (const origin of [own, 'http://localhost:3000', 'https://shop.example.com', 'https://shop.example.com:8443'])
        assert.equal(await statusOf(ask, { origin, 'sec-fetch-site': 'cross-site' }), 200, origin);
      for (const site of ['none', 'same-origin']) assert.equal(await statusOf(ask, { 'sec-fetch-site': site }), 200);
    }));

  test('with users too, as a browser sends the password that it knows', () =>
    withListeners({ users: [app] }, async (ask) => {
      const authorization = basic('app', 'secret');
      assert.equal(await statusOf(ask, { authorization, origin: 'https://evil.example' }), 403);
      assert.equal(await statusOf(ask, { authorization, host: 'gw.example.com' }), 200);
      const [host, origin] = ['gw.example.com', 'http://localhost:3000'];
      assert.equal(
        await statusOf(ask, { authorization, host, origin }),
        403,
        'not all that runs on the own machine is meant',
      );
    }));
});

describe('protected mode of the REST listener', () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  const why = outside === undefined ? 'this machine has no address but the loopback one' : undefined;

  test('other machines get the text of RESP as a JSON error; probes are answered', async (t) => {
    if (!met(t, why)) return;
    await withListeners({ host: '0.0.0.0' }, async (ask, { httpPort, lines }) => {
      const from = (path: string, what?: Ask) => askUrl(`http://${outside}:${httpPort}${path}`, what);
      for (const [path, what] of [
        ['/topics', {}],
        ['/topics/orders/messages', put],
        ['/metrics', {}],
      ] as const) {
        const { status, json, headers } = await from(path, what);
        assert.deepEqual([status, json], [403, { error: fail('protected-mode').message }], path);
        assert.equal(headers.connection, 'close');
      }
      assert.equal((await from('/readyz')).status, 200);
      assert.equal((await ask('/topics')).status, 200);
      assert.ok(lines.some((line) => line.includes('"component":"http"') && line.includes('protected mode')));
    });
    const open: OpenFacesOptions[] = [{ access: { protectedMode: false } }, { requirepass: 'pw' }];
    for (const options of open)
      await withListeners({ host: '0.0.0.0', ...options }, async (_ask, { httpPort }) => {
        assert.equal((await askUrl(`http://${outside}:${httpPort}/topics`, as('Bearer pw'))).status, 200);
      });
  });

  test('of a client that was reset before it was let in nothing is done', async (t) => {
    if (!met(t, why)) return;
    await withListeners({ host: '0.0.0.0' }, async (ask, { httpPort, kafka }) => {
      for (let times = 0; times < 20; times++) {
        const socket = connect({ port: httpPort, host: outside! });
        socket.on('error', () => {});
        socket.write(
          'POST /topics/orders/messages?sync HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx',
        );
        await new Promise((resolve) => socket.once('connect', resolve));
        socket.resetAndDestroy();
      }
      assert.equal((await ask('/topics')).status, 200);
      assert.equal(kafka.producers.size, 0);
    });
  });
});

test('passwords that are tried one after another are slowed down, and who is let in already is not', () =>
  withListeners({ users: [app] }, async (ask, { lines, stats }) => {
    const me = basic('app', 'secret');
    assert.equal((await ask('/topics', as(me))).status, 200);
    for (let times = 0; times < 10; times++) assert.equal((await ask('/topics', as(basic('app', 'no')))).status, 401);
    assert.equal((await ask('/topics/orders/messages', as('Bearer t0ken', put))).status, 200, 'in its turn');
    assert.equal((await ask('/topics', as(me))).status, 200);
    assert.equal((await ask('/topics/other/messages', as(me, put))).status, 403);
    assert.equal(stats.snapshot()['access.logins.failed'], 10);
    assert.equal(stats.snapshot()['access.denied'], 1);
    assert.ok(lines.some((line) => line.includes('"user":"app"') && line.includes('"listener":"http"')));
  }));
