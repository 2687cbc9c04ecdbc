// Connections: order, waiting, back-pressure, ends of every kind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { exposure, isLoopback } from '../../../../src/core/access/protected-mode.js';
import { deniedByProtectedMode } from '../../../../src/resp/access/refusal.js';
import type { Command } from '../../../../src/resp/command/context.js';
import * as commands from '../../../../src/resp/commands/index.js';
import { nullArray, type Reply } from '../../../../src/resp/wire/reply.js';
import { hashed } from '../../../support/credentials.js';
import { eventually } from '../../../support/eventually.js';
import { met, whyNoCommand } from '../../../support/needs.js';
import { encodeCommand, RawClient, RespPair } from '../../../support/resp-pair.js';

/** `HOLD name` waits until the test lets it go, or its connection's signal aborts. */
class Holds {
  readonly open = new Map<string, (reply: Reply) => void>();
  readonly aborted: string[] = [];
  #opened: () => void = () => {};

  readonly command: Command = {
    name: 'hold',
    arity: 2,
    prefix: 'ERR',
    group: 'list',
    flags: ['blocking'],
    summary: '',
    run: (ctx, args) => {
      const name = args.text();
      return new Promise<Reply>((resolve, reject) => {
        const abort = (): void => {
          this.aborted.push(name);
          this.open.delete(name);
          if (ctx.signal.aborted) reject(ctx.signal.reason);
          else resolve(nullArray);
        };
        if (ctx.signal.aborted) return abort();
        ctx.signal.addEventListener('abort', abort);
        this.open.set(name, resolve);
        this.#opened();
      });
    },
  };

  async until(name: string): Promise<(reply: Reply) => void> {
    while (!this.open.has(name)) await new Promise<void>((resolve) => (this.#opened = resolve));
    return this.open.get(name)!;
  }
}

async function withPair(
  settings: Record<string, unknown>,
  body: (pair: RespPair, holds: Holds) => Promise<void>,
): Promise<void> {
  const holds = new Holds();
  const pair = await RespPair.start({ settings, commands: [...Object.values(commands), holds.command] });
  try {
    await body(pair, holds);
  } finally {
    await pair.stop();
  }
}

const gone = async (pair: RespPair): Promise<void> => {
  while (pair.server.clientCount > 0) await new Promise((resolve) => setImmediate(resolve));
};

describe('a waiting command', () => {
  test('holds back its own connection only, and replies keep their order', () =>
    withPair({}, async (pair, holds) => {
      const [a, b] = [await pair.client(), await pair.client()];
      a.send(Buffer.concat([['PING'], ['HOLD', 'x'], ['ECHO', 'behind']].map(encodeCommand)).toString('latin1'));
      await a.take('+PONG\r\n');
      const release = await holds.until('x');
      assert.equal(await b.exchange(['PING']), '+PONG\r\n');
      assert.equal(a.received, '');
      release(7);
      await a.take(':7\r\n$6\r\nbehind\r\n');
    }));

  test('is told when its client goes away', () =>
    withPair({}, async (pair, holds) => {
      const a = await pair.client();
      a.send(['HOLD', 'x']);
      await holds.until('x');
      a.close();
      await gone(pair);
      assert.deepEqual(holds.aborted, ['x']);
    }));

  test('is told when its client goes away although more was sent behind it than is read', () =>
    withPair({}, async (pair, holds) => {
      const a = await pair.client();
      a.send(['HOLD', 'x']);
      await holds.until('x');
      a.send('PING\r\n'.repeat(30_000));
      a.close();
      await gone(pair);
      assert.deepEqual(holds.aborted, ['x']);
    }));

  test('ends with the error of the shutdown', () =>
    withPair({}, async (pair, holds) => {
      const a = await pair.client();
      a.send(['HOLD', 'x']);
      await holds.until('x');
      await pair.server.drain();
      await a.take('-CONS Server shutdown\r\n');
      assert.equal(await a.exchange(['HOLD', 'y']), '-CONS Server shutdown\r\n');
      assert.equal(await a.exchange(['PING']), '+PONG\r\n');
    }));

  test('CLIENT UNBLOCK ends it as after its time-out, or with an error; the next one waits again', () =>
    withPair({}, async (pair, holds) => {
      const [a, b] = [await pair.client(), await pair.client()];
      const id = (await a.exchange(['CLIENT', 'ID'])).slice(1, -2);
      a.send(['HOLD', 'x']);
      await holds.until('x');
      assert.equal(await b.exchange(['CLIENT', 'UNBLOCK', id]), ':1\r\n');
      await a.take('*-1\r\n');
      a.send(['HOLD', 'y']);
      await holds.until('y');
      assert.equal(await b.exchange(['CLIENT', 'UNBLOCK', id, 'ERROR']), ':1\r\n');
      await a.take('-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n');
      a.send(['HOLD', 'z']);
      (await holds.until('z'))(3);
      await a.take(':3\r\n');
      assert.equal(await b.exchange(['CLIENT', 'UNBLOCK', id]), ':0\r\n');
    }));
});

describe('replies', () => {
  test('that a client reads late are as they were, whatever others are answered meanwhile', () =>
    withPair({}, async (pair) => {
      const [late, other] = [await pair.client(), await pair.client()];
      const [mine, others] = ['a'.repeat(1000), 'b'.repeat(1000)];
      late.socket.pause();
      const count = 16_000;
      late.send(encodeCommand(['ECHO', mine]).toString('latin1').repeat(count));
      // Its replies fill the system's buffers; the rest waits in the server, as much of it each time it is looked at.
      const waiting = async () => / omem=([1-9]\d*)/.exec(await other.exchange(['CLIENT', 'LIST']))?.[1];
      const isBehind = async () => {
        const bytes = await waiting();
        for (let look = 0; look < 5; look++) if (bytes === undefined || (await waiting()) !== bytes) return false;
        return true;
      };
      await eventually(10_000, isBehind);
      for (let i = 0; i < 100; i++) await other.exchange(['ECHO', others]);
      late.socket.resume();
      await late.take(`$1000\r\n${mine}\r\n`.repeat(count));
    }));

  test('come in order, of a client that is alone and beside others', () =>
    withPair({}, async (pair) => {
      const [a, b] = [await pair.client(), await pair.client()];
      for (let i = 0; i < 20; i++) assert.equal(await a.exchange(['ECHO', `${i}`]), `$${`${i}`.length}\r\n${i}\r\n`);
      for (let i = 0; i < 20; i++) {
        a.send('PING\r\nECHO a\r\n');
        b.send('PING\r\nECHO b\r\n');
        await a.take('+PONG\r\n$1\r\na\r\n');
        await b.take('+PONG\r\n$1\r\nb\r\n');
      }
    }));
});

describe('ends of a connection', () => {
  test('a client that closes its side still gets all answers', () =>
    withPair({}, async (pair) => {
      const client = await pair.client();
      client.send('PING\r\nECHO last\r\n');
      client.socket.end();
      await client.closed();
      assert.equal(client.received, '+PONG\r\n$4\r\nlast\r\n');
    }));

  test('half a command at the end is forgotten', () =>
    withPair({}, async (pair) => {
      const client = await pair.client();
      client.send('PING\r\n*2\r\n$4\r\nECHO\r\n$10\r\nhal');
      client.socket.end();
      await client.closed();
      assert.equal(client.received, '+PONG\r\n');
      await gone(pair);
      assert.equal(pair.server.budget.total, 0);
    }));

  test('a protocol error is told although the client goes on sending', () =>
    withPair({}, async (pair) => {
      const client = await pair.client();
      client.send(`*1\r\n!\r\n${'x'.repeat(500_000)}`);
      await client.closed();
      assert.equal(client.received, "-ERR Protocol error: expected '$', got '!'\r\n");
      assert.equal(pair.stats.get('resp.protocol.errors'), 1);
    }));

  test('CLIENT KILL by address, and of oneself', () =>
    withPair({}, async (pair) => {
      const [a, b] = [await pair.client(), await pair.client()];
      const address = `${b.socket.localAddress}:${b.socket.localPort}`;
      assert.equal(await a.exchange(['CLIENT', 'KILL', address]), '+OK\r\n');
      await b.closed();
      a.send(['CLIENT', 'KILL', 'SKIPME', 'no']);
      await a.closed();
      assert.equal(a.received, ':1\r\n');
    }));
});

describe('bounds', () => {
  test('no more clients than allowed', () =>
    withPair({ maxClients: 1 }, async (pair) => {
      const first = await pair.client();
      assert.equal(await first.exchange(['PING']), '+PONG\r\n');
      const second = await pair.client();
      await second.closed();
      assert.equal(second.received, '-ERR max number of clients reached\r\n');
      first.close();
      await gone(pair);
      assert.equal(await (await pair.client()).exchange(['PING']), '+PONG\r\n');
    }));

  test('a client that is refused and keeps its side open leaves no socket behind', () =>
    withPair({ maxClients: 1 }, async (pair) => {
      const first = await pair.client();
      assert.equal(await first.exchange(['PING']), '+PONG\r\n');
      const refused = connect({ port: pair.server.port, host: '127.0.0.1', allowHalfOpen: true });
      refused.on('error', () => {});
      let received = '';
      refused.on('data', (chunk: Buffer) => (received += chunk));
      await once(refused, 'end');
      assert.equal(received, '-ERR max number of clients reached\r\n');
      // What it still sends is taken for a moment, then the socket is gone.
      await eventually(10_000, () => {
        if (!refused.destroyed) refused.write('PING\r\n');
        return refused.destroyed;
      });
    }));

  test('over the query buffer limit of all clients the largest is closed, the others live', () =>
    withPair({ queryBufferBytes: 200_000 }, async (pair) => {
      const [hog, other] = [await pair.client(), await pair.client()];
      other.send('*2\r\n$4\r\nECHO\r\n$5\r\nhel');
      hog.send(`*3\r\n$3\r\nSET\r\n$900000\r\n${'x'.repeat(300_000)}`);
      await hog.closed();
      other.send('lo\r\n');
      await other.take('$5\r\nhello\r\n');
    }));

  test('one client over its own query buffer limit is closed', () =>
    withPair({ clientQueryBufferBytes: 100_000 }, async (pair, holds) => {
      const client = await pair.client();
      client.send(['HOLD', 'x']);
      await holds.until('x');
      client.send('PING\r\n'.repeat(50_000));
      await client.closed();
    }));

  test('a client that does not read is not answered without end, and gets everything when it reads', () =>
    withPair({}, async (pair) => {
      const client = await pair.client();
      const other = await pair.client();
      client.socket.pause();
      const text = 'x'.repeat(50_000);
      const count = 400;
      for (let i = 0; i < count; i++) client.send(['ECHO', text]);
      while (![...pair.server.clients()].some(({ status }) => status.outputBytes > 0)) await other.exchange(['PING']);
      const most = Math.max(...[...pair.server.clients()].map(({ status }) => status.outputBytes));
      assert.ok(most < 1_000_000, `${most} bytes wait for the client`);
      client.socket.resume();
      await client.until(() => client.received.length === count * (text.length + '$50000\r\n\r\n'.length));
    }));

  test('idle clients are closed, waiting ones are not', () =>
    withPair({ idleTimeoutMs: 1 }, async (pair, holds) => {
      const [idle, waiting] = [await pair.client(), await pair.client()];
      waiting.send(['HOLD', 'x']);
      const release = await holds.until('x');
      await idle.closed();
      release(1);
      await waiting.take(':1\r\n');
    }));
});

describe('MONITOR', () => {
  test('shows what others send, escaped, without passwords', () =>
    withPair({}, async (pair) => {
      const [monitor, client] = [await pair.client(), await pair.client()];
      assert.equal(await monitor.exchange(['MONITOR']), '+OK\r\n');
      await client.exchange(['PING', 'a"\\\n\0é']);
      await client.exchange(['AUTH', 'default', 'secret']);
      await client.exchange(['HELLO', '2', 'AUTH', 'default', 'secret']);
      await monitor.until(() => (monitor.received.match(/"HELLO"/g) ?? []).length > 0);
      const address = `127\\.0\\.0\\.1:${client.socket.localPort}`;
      const line = (command: string): RegExp => new RegExp(`\\+\\d+\\.\\d{6} \\[0 ${address}\\] ${command}\\r\\n`);
      assert.match(monitor.received, line('"PING" "a\\\\"\\\\\\\\\\\\n\\\\x00\\\\xc3\\\\xa9"'));
      assert.match(monitor.received, line('"AUTH" "\\(redacted\\)" "\\(redacted\\)"'));
      assert.match(monitor.received, line('"HELLO" "2" "AUTH" "\\(redacted\\)" "\\(redacted\\)"'));
      assert.ok(!monitor.received.includes('secret'));
    }));

  test('a client that was called auth showed its password', () =>
    withPair({}, async (pair) => {
      const [monitor, client] = [await pair.client(), await pair.client()];
      assert.equal(await monitor.exchange(['MONITOR']), '+OK\r\n');
      for (const command of [
        ['HELLO', '3', 'SETNAME', 'auth', 'AUTH', 'u', 'secret'],
        ['HELLO', '3', 'SETNAME', 'auth', 'SETNAME', 'AUTH', 'auth', 'secret'],
        ['HELLO', '3', 'AUTH', 'secret'],
        ['HELLO', 'AUTH', 'u', 'secret'],
        ['HELLO', '3', 'FOO', 'secret'],
        ['AUTH', 'a', 'secret', 'secret'],
        ['CONFIG', 'SET', 'maxmemory', '1', 'requirepass', 'secret'],
        ['CONFIG', 'SET', 'requirepass', 'secret', 'more'],
        ['CONFIG', 'SET', 'masterauth', 'secret'],
        ['COMMAND', 'GETKEYS', 'AUTH', 'secret'],
        ['COMMAND', 'GETKEYSANDFLAGS', 'hello', '3', 'AUTH', 'u', 'secret'],
        ['AUHT', 'secret'],
        ['ACL', 'SETUSER', 'u', '>secret'],
        ['AUTH'],
      ])
        await client.exchange(command);
      await client.exchange(['PING', 'the last']);
      await monitor.until(() => monitor.received.includes('the last'));
      assert.doesNotMatch(monitor.received, /secret/);
      assert.match(monitor.received, / "HELLO" "3" "SETNAME" "auth" "AUTH" "\(redacted\)" "\(redacted\)"\r\n/);
      assert.match(monitor.received, / "CONFIG" "SET" "maxmemory" "1" "requirepass" "\(redacted\)"\r\n/);
    }));

  test('commands of thousands of large arguments are shown cut, and do not hold the server up', () =>
    withPair({}, async (pair) => {
      const [monitor, client] = [await pair.client(), await pair.client()];
      assert.equal(await monitor.exchange(['MONITOR']), '+OK\r\n');
      const argv = ['PING', ...Array.from({ length: 34_000 }, () => 'y'.repeat(1_024))];
      assert.match(await client.exchange(['COMMAND', 'GETKEYS', ...argv]), /^-ERR /);
      await monitor.until(() => monitor.received.includes('more arguments)"\r\n'));
      assert.match(
        monitor.received,
        / "COMMAND" "GETKEYS" "PING"( "y{1024}")+ "y*\.\.\. \(\d+ more bytes\)" "\.\.\. \(339\d\d more arguments\)"\r\n/,
      );
      assert.ok(monitor.received.length < 100_000);
    }));

  test('one that does not read loses lines, and slows nobody', () =>
    withPair({}, async (pair) => {
      const [monitor, client] = [await pair.client(), await pair.client()];
      assert.equal(await monitor.exchange(['MONITOR']), '+OK\r\n');
      monitor.socket.pause();
      const text = 'x'.repeat(4_000);
      const count = 5_000;
      for (let sent = 0; sent < count; sent += 500) {
        for (let i = 0; i < 500; i++) client.send(['PING', text]);
        await client.until(() => client.received.length === 500 * (text.length + '$4000\r\n\r\n'.length));
        await client.take(client.received);
        const most = Math.max(...[...pair.server.clients()].map(({ status }) => status.outputBytes));
        assert.ok(most < 4_000_000, `${most} bytes wait for the monitor`);
      }
      monitor.socket.resume();
      const isBack = (): boolean => monitor.received.includes('the last one');
      for (let tries = 0; tries < 10_000 && !isBack(); tries++) await client.exchange(['PING', 'the last one']);
      assert.ok(isBack(), 'once it reads again it sees what is sent then');
      assert.ok(monitor.received.length < count * text.length);
    }));
});

describe('who is let in', () => {
  const app = { name: 'app', password: hashed('pw'), produce: ['t'] };
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'resp-'));
    writeFileSync(join(dir, 'users.json'), JSON.stringify([app, { ...app, name: 'root', admin: true }]));
  });
  after(() => rmSync(dir, { recursive: true }));

  test('before AUTH nothing runs but the handshake, and small requests only', () =>
    withPair({ requirepass: 'sesame' }, async (pair) => {
      const client = await pair.client();
      client.send('PING\r\nHELLO 3\r\nFOO\r\n*11\r\n');
      await client.closed();
      assert.equal(
        client.received,
        '-NOAUTH Authentication required.\r\n' +
          '-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n' +
          "-ERR unknown command 'FOO', with args beginning with: \r\n" +
          '-ERR Protocol error: unauthenticated multibulk length\r\n',
      );
    }));

  test('AUTH and what needed it in one packet', () =>
    withPair({ requirepass: 'sesame' }, async (pair) => {
      const client = await pair.client();
      const echo = encodeCommand(['ECHO', 'x'.repeat(20_000)]).toString('latin1');
      assert.equal(await client.exchange(`AUTH sesame\r\n${echo}`), `+OK\r\n$20000\r\n${'x'.repeat(20_000)}\r\n`);
    }));

  test('a user without admin may not look at others or at the configuration', () =>
    withPair({ usersFile: join(dir, 'users.json') }, async (pair) => {
      const client = await pair.client();
      client.send(['AUTH', 'app', 'pw']);
      await client.take('+OK\r\n');
      for (const refused of ['MONITOR', 'CLIENT LIST', 'CLIENT KILL ID 1', 'CONFIG GET *', 'DEL stats', 'ACL LIST']) {
        assert.match(await client.exchange(`${refused}\r\n`), /^-NOPERM /, refused);
      }
      assert.match(await client.exchange(['RPUSHX', 'topics:other', 'm']), /^-NOPERM .*'other'/);
      assert.equal(await client.exchange(['RPUSHX', 'topics:t', 'm']), ':1\r\n');
      assert.equal(await client.exchange(['AUTH', 'root', 'pw']), '+OK\r\n');
      assert.match(await client.exchange(['CLIENT', 'LIST']), /user=root/);
      assert.match(
        await client.exchange(['ACL', 'LIST']),
        /user app on \(password hidden\) %W~topics:t .*\+@all -@admin\r\n/,
      );
    }));

  test('an eleventh wrong password of one address has to wait, and what users have no right to is counted', () =>
    withPair({ usersFile: join(dir, 'users.json') }, async (pair) => {
      const client = await pair.client();
      for (let i = 0; i < 10; i++) client.send(i % 2 ? ['AUTH', 'app', 'x'] : ['HELLO', '2', 'AUTH', 'app', 'x']);
      await client.take('-WRONGPASS invalid username-password pair or user is disabled.\r\n'.repeat(10));
      // Both wait; another connection is answered meanwhile.
      const other = await pair.client();
      client.send(['AUTH', 'app', 'x']);
      client.send(['HELLO', '3', 'AUTH', 'app', 'pw']);
      other.send(['PING']);
      await other.take('-NOAUTH Authentication required.\r\n');
      assert.equal(client.received, '');
      await client.until(() => client.received.includes('server'));
      assert.match(client.received, /^-WRONGPASS [^\r]+\r\n%7\r\n/);
      assert.equal(pair.stats.get('access.logins.failed'), 11);
      await client.exchange(['HELLO', '2']);
      for (const command of [
        ['MONITOR'],
        ['RPUSHX', 'topics:other', 'm'],
        ['XTRIM', 't', 'MAXLEN', '0'],
        ['XLEN', 'other'],
      ])
        assert.match(await client.exchange(command), /-NOPERM /, command[0]);
      assert.equal(pair.stats.get('access.denied'), 4);
      assert.match(
        await client.exchange(['INFO', 'stats']),
        /acl_access_denied_auth:11\r\nacl_access_denied_cmd:4\r\n/,
      );
    }));

  test('protected mode: the loopback interface is let in, others are not', async (t) => {
    assert.deepEqual(
      ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', undefined, '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1'].map(
        isLoopback,
      ),
      [true, true, true, true, true, false, false, false],
    );
    const exposed = { host: '0.0.0.0', protectedMode: true, hasUsers: false };
    assert.match(exposure(exposed) ?? '', /only clients of this machine are let in/);
    assert.match(exposure({ ...exposed, protectedMode: false }) ?? '', /everybody/);
    for (const closed of [{ host: '127.0.0.1' }, { host: 'localhost' }, { hasUsers: true }]) {
      assert.equal(exposure({ ...exposed, ...closed }), undefined);
    }
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    if (!met(t, outside === undefined ? 'this machine has no address but the loopback one' : undefined)) return;
    await withPair({ host: '0.0.0.0' }, async (pair) => {
      const client = await RawClient.connect({ port: pair.server.port, host: outside! });
      await client.closed();
      assert.equal(client.received, deniedByProtectedMode);
    });
    await withPair({ host: '0.0.0.0', protectedMode: false }, async (pair) => {
      const client = await RawClient.connect({ port: pair.server.port, host: outside! });
      assert.equal(await client.exchange(['PING']), '+PONG\r\n');
      client.close();
    });
  });

  test('of a client that was reset before it was let in nothing is run', () =>
    withPair({}, async (pair) => {
      // Meanwhile this process does nothing: the connection is made, used and reset before it is looked at.
      const client = `const socket = require('node:net').connect(${pair.server.port}, '127.0.0.1', () =>
        socket.write('PING\\r\\n', () => socket.resetAndDestroy()))`;
      execFileSync(process.execPath, ['-e', client], { stdio: 'ignore' });
      const next = await pair.client();
      assert.equal(await next.exchange(['PING']), '+PONG\r\n');
      assert.equal(pair.stats.snapshot()['resp.connections'], 1);
    }));

  test('a unix socket beside the port', () => {
    const path = join(dir, 'resp.sock');
    return withPair({ unixSocket: path, unixSocketMode: '0760' }, async () => {
      assert.equal(statSync(path).mode & 0o777, 0o760);
      const client = await RawClient.connect({ path });
      assert.equal(await client.exchange(['CLIENT', 'GETNAME']), `$${path.length + 2}\r\n${path}:0\r\n`);
      client.close();
    });
  });

  test('the file of a unix socket whose server was killed is no obstacle; that of one that lives is', async () => {
    const path = join(dir, 'stale.sock');
    const listen = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    assert.throws(() => execFileSync(process.execPath, ['-e', listen], { stdio: 'ignore' }));
    await withPair({ unixSocket: path }, async () => {
      assert.equal(statSync(path).mode & 0o777, 0o700);
      await assert.rejects(RespPair.start({ settings: { unixSocket: path } }), /EADDRINUSE/);
      const client = await RawClient.connect({ path });
      assert.equal(await client.exchange(['PING']), '+PONG\r\n');
      client.close();
    });
  });

  test('TLS: with a certificate, and only clients that the authority knows', async (t) => {
    if (!met(t, whyNoCommand('openssl'))) return;
    const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '2'];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...subject];
    execFileSync('openssl', [...request, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    const faulty = { tls: { keyFile, certFile: keyFile } };
    await assert.rejects(RespPair.start({ settings: faulty }), (error: Error) => error.message.startsWith(keyFile));
    await withPair({ tls: { keyFile, certFile } }, async (pair) => {
      const socket = connectTls({ port: pair.server.port, rejectUnauthorized: false });
      socket.write('PING\r\nQUIT\r\n');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk));
      await once(socket, 'end');
      assert.equal(text, '+PONG\r\n+OK\r\n');
      socket.destroy();
    });
    await withPair({ tls: { keyFile, certFile, caFile: certFile } }, async (pair) => {
      const socket = connectTls({ port: pair.server.port, rejectUnauthorized: false });
      socket.on('error', () => {});
      socket.write('PING\r\n');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk));
      await new Promise((resolve) => socket.once('close', resolve));
      assert.equal(text, '');
      assert.equal(pair.stats.get('resp.connections'), 0);
    });
    await withPair({ tls: { keyFile, certFile }, maxClients: 2 }, async (pair) => {
      // A peer that never says hello counts as a client, until it is given up.
      const silent = connect(pair.server.port, '127.0.0.1');
      await once(silent, 'connect');
      const ask = async (): Promise<string> => {
        const socket = connectTls({ port: pair.server.port, rejectUnauthorized: false });
        socket.on('error', () => {});
        socket.write('PING\r\n');
        const [answer] = (await once(socket, 'data')) as [Buffer];
        return answer.toString();
      };
      assert.equal(await ask(), '+PONG\r\n');
      assert.equal(await ask(), '-ERR max number of clients reached\r\n');
      await once(silent, 'close');
      await eventually(10_000, async () => (await ask()) === '+PONG\r\n');
    });
  });
});

describe('a bug', () => {
  const broken = (name: string, reply: () => Reply | Promise<Reply>, more: Partial<Command> = {}): Command => {
    return { name, arity: 1, prefix: 'ERR', group: 'server', flags: [], summary: '', run: reply, ...more };
  };
  const half: Reply = Object.defineProperty(['the first half', 'the other'], 1, {
    get() {
      throw new Error('no such half');
    },
  });

  test('a reply that cannot be written costs its own connection only, and leaves nothing of it to others', async () => {
    const told: string[] = [];
    const pair = await RespPair.start({
      onError: (line) => told.push(line),
      commands: [
        ...Object.values(commands),
        broken('halfnow', () => half),
        broken('halflater', async () => half),
        broken('halfinline', async () => half, { pipelined: true }),
      ],
    });
    try {
      const other = await pair.client();
      for (const name of ['HALFNOW', 'HALFLATER', 'HALFINLINE']) {
        const client = await pair.client();
        client.send([name]);
        await client.closed();
        assert.equal(client.received, '');
        assert.equal(await other.exchange(['PING']), '+PONG\r\n');
      }
      assert.equal(told.length, 3);
      assert.ok(told.every((line) => line.includes('a connection failed: this is a bug')));
    } finally {
      await pair.stop();
    }
  });
});
