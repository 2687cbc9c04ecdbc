// Stock Redis clients with their default settings: they connect, produce, and where their types allow it consume and acknowledge.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Redis as Redis6 } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient as createClient6 } from 'redis';
import { createClient as createClient5 } from 'redis5';
import { eventually } from '../support/eventually.js';
import { GatewayProcess } from '../support/gateway.js';
import { met, redisPyPath, whyNoCommand, whyNoRedisPy } from '../support/needs.js';

const execute = promisify(execFile);

describe('stock clients', () => {
  let gateway: GatewayProcess;
  before(async () => {
    gateway = await GatewayProcess.start();
  });
  after(() => gateway.stop());

  /** What every client that can hand over an array of mixed elements does. */
  const roundTrip = async (
    topic: string,
    call: (...args: string[]) => Promise<unknown>,
    acknowledge = call,
  ): Promise<void> => {
    assert.equal(Number(await call('RPUSHX', `topics:${topic}:key`, 'hello')), 1);
    assert.equal(Number(await call('DUMP', '10000')), 0);
    const answer = (await call('BLPOP', `topics:${topic}`, '20')) as unknown[];
    assert.equal(answer.length, 8);
    assert.equal(String(answer[7]), 'hello');
    assert.equal(Number(await acknowledge('RPUSH', 'acks', `${topic}:${answer[3]}:${answer[5]}`)), 1);
  };

  // What the test uses of it is the same in both; their types are not assignable to each other.
  for (const [version, Redis] of [
    ['5', Redis5 as unknown as typeof Redis6],
    ['6', Redis6],
  ] as const) {
    test(`ioredis ${version}`, async () => {
      const client = new Redis({ port: gateway.port, connectionName: `ioredis${version}:c` });
      const second = client.duplicate();
      try {
        assert.equal(await client.call('CLIENT', 'GETNAME'), `ioredis${version}:c`);
        await roundTrip(
          `ioredis${version}`,
          (command, ...args) => client.call(command, ...args),
          (command, ...args) => second.call(command, ...args),
        );
        assert.match((await client.hgetall('stats'))['producer.messages'] ?? '', /^\d+$/);
        const key = `topics:ioredis${version}`;
        assert.deepEqual(await client.multi().rpushx(key, 'a').rpushx(key, 'b').exec(), [
          [null, 1],
          [null, 1],
        ]);
      } finally {
        client.disconnect();
        second.disconnect();
      }
    });
  }

  test('node-redis 5', async () => {
    const client = createClient5({ url: `redis://127.0.0.1:${gateway.port}`, name: 'noderedis5:c' });
    await client.connect();
    try {
      await roundTrip('noderedis5', (...args) => client.sendCommand(args));
      const key = 'topics:noderedis5';
      assert.deepEqual(await client.multi().rPushX(key, 'a').rPushX(key, 'b').exec(), [1, 1]);
      assert.match((await client.hGetAll('stats'))['producer.messages'] ?? '', /^\d+$/);
    } finally {
      client.destroy();
    }
  });

  test('node-redis 6, which speaks RESP3', async () => {
    const client = createClient6({ url: `redis://127.0.0.1:${gateway.port}`, name: 'noderedis6:c' });
    await client.connect();
    try {
      await roundTrip('noderedis6', (...args) => client.sendCommand(args) as Promise<unknown>);
      const key = 'topics:noderedis6';
      assert.deepEqual(await client.multi().rPushX(key, 'a').rPushX(key, 'b').exec(), [1, 1]);
      const stats = await client.hGetAll('stats');
      assert.match(String(stats['producer.messages']), /^\d+$/);
    } finally {
      client.destroy();
    }
  });

  test('URLs that name a database share one keyspace where resp.databases allows it, with one warning', async () => {
    const sixteen = await GatewayProcess.start({ env: { RAFKA_RESP_DATABASES: '16' } });
    const urls = [1, 15].map((database) => `redis://127.0.0.1:${sixteen.port}/${database}`);
    const clients = urls.map((url) => new Redis6(url));
    try {
      const [first, second] = clients as [Redis6, Redis6];
      await first.call('RPUSHX', 'topics:shared', 'hello');
      assert.equal(await first.call('DUMP', '10000'), 0);
      await second.call('CLIENT', 'SETNAME', 'shared:c');
      assert.equal(((await second.call('BLPOP', 'topics:shared', '20')) as unknown[])[7], 'hello');
      const warnings = sixteen.lines.filter(({ msg }) => /database other than 0/.test(msg));
      assert.equal(warnings.length, 1);
    } finally {
      for (const client of clients) client.disconnect();
      await sixteen.stop();
    }
  });

  for (const major of [5, 6, 8] as const) {
    test(`redis-py ${major}`, async (t) => {
      if (!met(t, whyNoRedisPy(major))) return;
      const program = `
import redis, sys, time
def client():
    return redis.Redis(port=int(sys.argv[1]), client_name='py${major}:c', decode_responses=True, socket_timeout=None)
c, second = client(), client()
assert c.ping()
assert c.execute_command('RPUSHX', 'topics:py${major}:key', 'hello') == 1
assert c.execute_command('DUMP', 10000) == 0
answer = c.execute_command('BLPOP', 'topics:py${major}', 20)
assert len(answer) == 8 and answer[7] == 'hello', answer
assert second.rpush('acks', '%s:%s:%s' % (answer[1], answer[3], answer[5])) == 1
assert int(c.hgetall('stats')['producer.messages']) > 0
deadline = time.time() + 15  # the list of topics may be a second old
while 'topics:py${major}' not in c.keys('topics:*'):
    assert time.time() < deadline
    time.sleep(0.1)
pipe = c.pipeline(transaction=False)
for n in range(10):
    pipe.rpushx('topics:py${major}', 'm%d' % n)
assert pipe.execute() == [1] * 10
pipe = c.pipeline()
for n in range(10):
    pipe.rpushx('topics:py${major}', 't%d' % n)
assert pipe.execute() == [1] * 10
print('fine')
`;
      const { stdout } = await execute('python3', ['-c', program, String(gateway.port)], {
        env: { ...process.env, PYTHONPATH: redisPyPath(major) },
      });
      assert.equal(stdout.trim(), 'fine');
    });
  }

  describe('redis-cli', () => {
    const cli = async (input: string, ...args: string[]): Promise<string> => {
      const child = spawn('redis-cli', ['-p', String(gateway.port), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      // Only what there is: an empty write fails when redis-cli, which reads nothing then, has already ended.
      if (input !== '') child.stdin.write(input);
      child.stdin.end();
      await once(child, 'close');
      return out;
    };
    const it = (title: string, run: () => Promise<void>): void => {
      test(title, async (t) => {
        if (met(t, whyNoCommand('redis-cli'))) await run();
      });
    };

    it('produces and consumes', async () => {
      assert.equal(await cli('', 'rpushx', 'topics:cli', 'hello'), '1\n');
      const out = await cli('client setname cli:c\nblpop topics:cli 20\n');
      assert.match(out, /^OK\ntopic\ncli\npartition\n\d+\noffset\n0\nvalue\nhello\n$/);
    });
    it('speaks RESP3', async () => {
      assert.match(await cli('', '-3', 'hgetall', 'stats'), /producer\.delivery\.errors/);
    });
    it('--scan lists the topics', async () => {
      await cli('', 'rpushx', 'topics:scanned', 'm');
      // The list of topics may be a second old.
      await eventually(15_000, async () =>
        /^topics:scanned$/m.test(await cli('', '--scan', '--pattern', 'topics:scan*')),
      );
    });
    it('--pipe sends raw commands', async () => {
      const command = '*3\r\n$6\r\nRPUSHX\r\n$11\r\ntopics:pipe\r\n$1\r\nx\r\n';
      assert.match(await cli(command.repeat(100), '--pipe'), /errors: 0, replies: 100/);
    });
    it('--bigkeys walks the topics', async () => {
      assert.match(await cli('', '--bigkeys'), /Sampled \d+ keys in the keyspace/);
    });
    it('--stat reads INFO', async () => {
      // Line by line: into a pipe redis-cli would gather 4 KB first.
      const command = ['-oL', 'redis-cli', '-p', String(gateway.port), '--stat', '-i', '1'];
      const child = spawn('stdbuf', command, { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      for await (const chunk of child.stdout) {
        out += String(chunk);
        if (/keys\s+mem\s+clients.*\n\d+ /.test(out)) child.kill();
      }
      assert.match(out, /keys\s+mem\s+clients.*\n\d+ /);
    });
    it('hints come from COMMAND DOCS', async () => {
      assert.match(await cli('', 'command', 'docs', 'rpushx'), /Produces messages to a topic/);
    });
  });

  test('redis-benchmark', async (t) => {
    if (!met(t, whyNoCommand('redis-benchmark'))) return;
    const flags = ['-p', String(gateway.port), '-n', '2000', '-P', '16', '-c', '5', '--csv'];
    const { stdout } = await execute('redis-benchmark', [...flags, 'RPUSHX', 'topics:bench', 'x']);
    assert.match(stdout, /"RPUSHX topics:bench x"/);
  });
});
