// `rafka health`: what is asked of which job, and which answers count as well.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Command } from 'commander';
import { forms, type Job } from '../../../src/cli/forms.js';
import { ask, healthOf } from '../../../src/cli/health.js';
import { jobOfFile, runningJobs, whichJob } from '../../../src/cli/running.js';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const parsed = (job: Job, flags: readonly string[]): Command =>
  forms[job](new Command()).parse(flags, { from: 'user' });
const asked = (job: Job, flags: readonly string[], wantsReady = false, pid?: number) =>
  healthOf(job, parsed(job, flags), {}, { wantsReady, pid });

describe('the gateway is well when it answers PING', () => {
  const answers: [name: string, answer: string | undefined, isWell: boolean, line: RegExp][] = [
    ['PONG', '+PONG\r\n', true, /answers PING$/],
    ['asks for a password', '-NOAUTH Authentication required.\r\n', true, /asks for a password/],
    ['refuses', '-DENIED Redis is running in protected mode\r\n', false, /with -DENIED/],
    ['hangs up', undefined, false, /closes the connection/],
  ];
  for (const [name, answer, isWell, line] of answers) {
    test(name, async () => {
      const server = createServer((socket: Socket) => {
        socket.on('error', () => {});
        socket.once('data', (data) => {
          assert.equal(data.toString(), '*1\r\n$4\r\nPING\r\n');
          if (answer === undefined) socket.destroy();
          else socket.write(answer);
        });
      });
      try {
        const verdict = await asked('gateway', ['--port', String(await listening(server))]);
        assert.equal(verdict.isWell, isWell);
        assert.match(verdict.line, line);
      } finally {
        server.close();
      }
    });
  }

  test('with its own password first', async () => {
    const heard: string[] = [];
    const server = createServer((socket: Socket) => {
      socket.once('data', (data) => {
        heard.push(data.toString());
        socket.write('+OK\r\n+PONG\r\n');
      });
    });
    try {
      const port = String(await listening(server));
      assert.equal((await asked('gateway', ['--port', port, '--requirepass', 'geheim'])).isWell, true);
      assert.deepEqual(heard, ['*2\r\n$4\r\nAUTH\r\n$6\r\ngeheim\r\n*1\r\n$4\r\nPING\r\n']);
    } finally {
      server.close();
    }
  });

  test('nobody listens: the line says where and why', async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    await once(server, 'close');
    const { isWell, line } = await asked('gateway', ['--port', String(port)]);
    assert.equal(isWell, false);
    assert.equal(line, `127.0.0.1:${port} refuses the connection: nothing listens there`);
  });
});

describe('the other jobs are asked over HTTP', () => {
  test('each at its own path', async () => {
    const paths: string[] = [];
    const server = createHttp((request, response) => {
      paths.push(request.url!);
      response.statusCode = request.url === '/readyz' ? 503 : 200;
      response.end(request.url === '/readyz' ? 'cluster default: no broker answers\n' : 'ok\n');
    });
    const port = await listening(server);
    const dir = mkdtempSync(join(tmpdir(), 'rafka-health-'));
    try {
      const yaml = join(dir, 'pixy.yaml');
      writeFileSync(yaml, `grpc_addr: ''\ntcp_addr: 127.0.0.1:${port}\nproxies:\n  default:\n    kafka: {}\n`);
      const ops = ['--ops-port', String(port)];
      assert.equal((await asked('ris', ['--host', 'rrc00', ...ops])).isWell, true);
      assert.equal((await asked('pixy', ['--config', yaml])).isWell, true);
      const notReady = await asked('gateway', ops, true);
      assert.equal(notReady.isWell, false);
      assert.match(notReady.line, /answers \/readyz with 503: cluster default: no broker answers$/);
      assert.deepEqual(paths, ['/healthz', '/_ping', '/readyz']);
    } finally {
      server.close();
      rmSync(dir, { recursive: true });
    }
  });

  test('without a port there is only the process to look at', async () => {
    assert.equal((await asked('ris', ['--host', 'rrc00'], false, 42)).isWell, true);
    const { isWell, line } = await asked('ris', ['--host', 'rrc00']);
    assert.equal(isWell, false);
    assert.match(line, /no ops port is configured/);
  });

  test('one that does not answer is told after a while', { timeout: 20_000 }, async () => {
    const server = createServer((socket) => socket.on('error', () => {}));
    const port = await listening(server);
    const where = { host: '127.0.0.1', port };
    try {
      const { line } = await ask({ kind: 'http', where, tls: false, path: '/healthz' }, undefined);
      assert.match(line, /does not answer within 4 s/);
    } finally {
      server.close();
    }
  });
});

describe('which job runs here', () => {
  /** A folder as /proc, with these processes by id. */
  function procOf(
    t: { after: (end: () => void) => void },
    processes: Record<string, { words: string[]; net?: string }>,
  ) {
    const dir = mkdtempSync(join(tmpdir(), 'rafka-proc-'));
    t.after(() => rmSync(dir, { recursive: true }));
    for (const [pid, { words, net = 'net:[1]' }] of Object.entries(processes)) {
      mkdirSync(join(dir, pid, 'ns'), { recursive: true });
      writeFileSync(join(dir, pid, 'cmdline'), words.map((word) => `${word}\0`).join(''));
      symlinkSync(net, join(dir, pid, 'ns/net'));
    }
    return dir;
  }
  const main = ['node', '/app/dist/main.js'];
  const health = { words: [...main, 'health'] };
  const nothing = { job: undefined, files: [], flags: [] };

  test('the only one, with the flags that it was started with', (t) => {
    const proc = procOf(t, {
      1: { words: [...main, 'ris', '--host', 'rrc13', '--ops-port', '9100'] },
      7: { words: ['bash'] },
      9: health,
    });
    assert.deepEqual(whichJob(nothing, 9, proc), {
      job: 'ris',
      files: [],
      flags: ['--host', 'rrc13', '--ops-port', '9100'],
      pid: 1,
    });
  });

  test('workers, other networks and other commands do not count', (t) => {
    const proc = procOf(t, {
      1: { words: [...main, '-p', '7000', '--workers', '2'] },
      2: { words: [...main, 'worker'] },
      3: { words: [...main, 'relay'], net: 'net:[2]' },
      4: { words: [...main, 'check'] },
      9: health,
    });
    assert.deepEqual(runningJobs(9, proc), [{ pid: 1, job: 'gateway', args: ['-p', '7000', '--workers', '2'] }]);
  });

  test('of several one has to be named', (t) => {
    const proc = procOf(t, { 1: { words: main }, 2: { words: [...main, 'relay'] }, 9: health });
    assert.throws(() => whichJob(nothing, 9, proc), /several run here: gateway \(1\), relay \(2\)/);
    assert.equal(whichJob({ ...nothing, job: 'relay' }, 9, proc).pid, 2);
  });

  test('where there is no /proc it is the gateway', () => {
    assert.deepEqual(whichJob(nothing, 9, '/nowhere'), { job: 'gateway', files: [], flags: [], pid: undefined });
  });

  test('a file tells by its form', () => {
    assert.deepEqual(['a.json', 'a.toml', 'a.yaml', 'a.yml', undefined].map(jobOfFile), [
      'gateway',
      'relay',
      'pixy',
      'pixy',
      'gateway',
    ]);
  });
});
