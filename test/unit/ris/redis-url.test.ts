// Where Redis is: the URLs that are taken, what is said of others, and a real server with TLS and with a Sentinel.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { risSchema } from '../../../src/ris/config.js';
import { connectRedis, Lease } from '../../../src/ris/leadership/lease.js';
import { checkRedis } from '../../../src/ris/leadership/redis-check.js';
import { redisOptions, shownRedisUrl } from '../../../src/ris/redis-url.js';
import { whyNoRedis } from '../../campaign/ris-stage.js';
import { realClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { met } from '../../support/needs.js';

test('one server, Sentinels, a socket', () => {
  assert.deepEqual(redisOptions('redis://127.0.0.1:6379'), { host: '127.0.0.1', port: 6379, db: 0 });
  assert.deepEqual(redisOptions('redis://u:p%40ss@[::1]/3'), {
    ...{ host: '::1', port: 6379, db: 3 },
    ...{ username: 'u', password: 'p@ss' },
  });
  assert.deepEqual(redisOptions('unix:///run/redis.sock'), { path: '/run/redis.sock' });
  assert.deepEqual(redisOptions('redis-sentinel://:secret@a,b:1234/mymaster/2?sentinelPassword=x'), {
    name: 'mymaster',
    sentinels: [
      { host: 'a', port: 26379 },
      { host: 'b', port: 1234 },
    ],
    ...{ password: 'secret', db: 2, sentinelPassword: 'x' },
  });
  const secure = redisOptions('rediss-sentinel://a/m', { serverName: 'redis.example' });
  assert.deepEqual([secure.tls, secure.enableTLSForSentinelMode], [{ servername: 'redis.example' }, true]);
});

test('what is no URL of a Redis is a configuration error, without the password', () => {
  for (const url of [
    '',
    '127.0.0.1',
    'http://x',
    'redis://',
    'redis://:hunter2@h:x',
    'redis://:hunter2@h/one',
    'unix://x',
    'redis://h?db=1',
    'redis-sentinel://:hunter2@a',
    'redis-sentinel://a/m?pass=hunter2',
    'redis://:hunter2%zz@h',
  ])
    assert.throws(
      () => redisOptions(url),
      ({ message }: Error) => message.length > 10 && !message.includes('hunter2'),
      url,
    );
  const parsed = risSchema.safeParse({ host: 'rrc00', redis: 'redis://:hunter2@h:x' });
  assert.equal(parsed.error?.issues[0]?.path[0], 'redis');
  assert.ok(!JSON.stringify(parsed.error).includes('hunter2'));
  assert.throws(() => redisOptions('redis://h', { caFile: '/ca.pem' }), /redisTls needs a URL/);
  assert.throws(() => redisOptions('rediss://h', { caFile: '/none.pem' }), /redisTls\.caFile: .*none\.pem/);
  assert.equal(
    shownRedisUrl('redis-sentinel://u:p@a/m?sentinelPassword=q'),
    'redis-sentinel://***@a/m?sentinelPassword=***',
  );
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function redisServer(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function answers(url: string, tls?: Parameters<typeof checkRedis>[1]): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      return await checkRedis(url, tls, 2_000);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-redis-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a Redis with TLS: its certificate is checked against the file that is named', async (t) => {
  if (!met(t, whyNoRedis())) return;
  const dir = directory(t);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject],
    {
      stdio: 'ignore',
    },
  );
  const port = await freePort();
  const files = [
    '--tls-cert-file',
    cert,
    '--tls-key-file',
    key,
    '--tls-ca-cert-file',
    cert,
    '--tls-auth-clients',
    'no',
  ];
  redisServer(t, ['--port', '0', '--tls-port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', dir, ...files]);
  await answers(`rediss://localhost:${port}`, { caFile: cert });
  await answers(`rediss://127.0.0.1:${port}`, { caFile: cert, serverName: 'localhost' });
  await assert.rejects(checkRedis(`rediss://localhost:${port}`, undefined, 2_000), /self[- ]signed/);
});

test('the master that a Sentinel names', async (t) => {
  if (!met(t, whyNoRedis())) return;
  const dir = directory(t);
  const [port, sentinel] = [await freePort(), await freePort()];
  redisServer(t, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', dir]);
  const file = join(dir, 'sentinel.conf');
  writeFileSync(file, `port ${sentinel}\nbind 127.0.0.1\ndir ${dir}\nsentinel monitor mymaster 127.0.0.1 ${port} 1\n`);
  redisServer(t, [file, '--sentinel']);
  await answers(`redis-sentinel://127.0.0.1:${sentinel}/mymaster`);
  await assert.rejects(checkRedis(`redis-sentinel://127.0.0.1:${sentinel}/other`, undefined, 2_000));
});

test('after a failover of the Sentinels the lease is taken and renewed at the new master', async (t) => {
  if (!met(t, whyNoRedis())) return;
  const dir = directory(t);
  const [port, other, sentinel] = [await freePort(), await freePort(), await freePort()];
  const own = ['--bind', '127.0.0.1', '--save', '', '--dir', dir];
  const master = redisServer(t, ['--port', `${port}`, ...own]);
  await answers(`redis://127.0.0.1:${port}`);
  redisServer(t, ['--port', `${other}`, ...own, '--replicaof', '127.0.0.1', `${port}`]);
  await answers(`redis://127.0.0.1:${other}`);
  const file = join(dir, 'sentinel.conf');
  const settings = ['down-after-milliseconds mymaster 1000', 'failover-timeout mymaster 5000'];
  writeFileSync(
    file,
    `port ${sentinel}\nbind 127.0.0.1\ndir ${dir}\nsentinel monitor mymaster 127.0.0.1 ${port} 1\n${settings
      .map((each) => `sentinel ${each}\n`)
      .join('')}`,
  );
  redisServer(t, [file, '--sentinel']);
  const url = `redis-sentinel://127.0.0.1:${sentinel}/mymaster`;
  await answers(url);
  const redis = connectRedis(redisOptions(url), 1_000, () => {});
  t.after(() => redis.disconnect());
  const options = { prefix: 'test:', ttlMs: 60_000, replica: 'a', clock: realClock };
  const lease = new Lease(redis, 'rrc13', options);
  const succeeds = (call: () => Promise<boolean>) => eventually(60_000, () => call().catch(() => false));
  await succeeds(() => lease.acquire());
  const direct = connectRedis(redisOptions(`redis://127.0.0.1:${other}`), 1_000, () => {});
  t.after(() => direct.disconnect());
  const holder = () => direct.get('test:rrc13:lease').catch(() => null);
  await eventually(60_000, async () => (await holder()) !== null);
  // The Sentinel must know the replica before its master goes.
  await eventually(60_000, async () => (await sentinelSees(sentinel)) === 1);
  master.kill('SIGKILL');
  await eventually(60_000, async () => String(await direct.role().catch(() => '')).startsWith('master'));
  // Renewed where it was replicated to; what another replica asks for there, it does not get.
  await direct.del('test:rrc13:lease');
  await succeeds(() => lease.renew(null));
  assert.equal(await holder(), lease.held?.value);
  assert.equal(await new Lease(direct, 'rrc13', { ...options, replica: 'b' }).acquire(), false);
});

/** Replicas of the master that a Sentinel knows. */
async function sentinelSees(port: number): Promise<number> {
  const sentinel = connectRedis(redisOptions(`redis://127.0.0.1:${port}`), 1_000, () => {});
  try {
    await eventually(20_000, () => sentinel.status === 'ready');
    return ((await sentinel.call('SENTINEL', 'replicas', 'mymaster')) as unknown[]).length;
  } finally {
    sentinel.disconnect();
  }
}
