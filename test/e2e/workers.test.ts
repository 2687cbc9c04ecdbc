// --workers as its users have it: processes that are killed, clients of one identity on several of them, one server to all who ask.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess, type LogLine } from '../support/gateway.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { ack, connect, pop, workerOf } from '../support/redis-client.js';
import { RawClient } from '../support/resp-pair.js';

/** Connections of one worker have numbers below those of the next. */

const gateways: GatewayProcess[] = [];
const clients: Redis[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

const start = async (args: readonly string[] = [], config?: object, env = {}): Promise<GatewayProcess> => {
  const gateway = await GatewayProcess.start({ args: ['--workers', '2', ...args], ...(config ? { config } : {}), env });
  gateways.push(gateway);
  return gateway;
};

/** Environment of processes whose event loop never comes back from SIGUSR2. */
const loopOnSignal = { NODE_OPTIONS: `--import=data:text/javascript,process.on('SIGUSR2',()=>{for(;;);})` };

const open = async (gateway: GatewayProcess, name?: string): Promise<Redis> => {
  const client = await connect(gateway.port, name);
  clients.push(client);
  return client;
};

const idOf = async (client: Redis): Promise<number> => Number(await client.call('CLIENT', 'ID'));

/** Two clients on two workers. */
const openApart = async (
  gateway: GatewayProcess,
  names: readonly (string | undefined)[] = [],
): Promise<[Redis, Redis]> => {
  const first = await open(gateway);
  const other = await openElsewhere(gateway, await workerOf(first));
  if (names[0] !== undefined) await first.call('CLIENT', 'SETNAME', names[0]);
  if (names[1] !== undefined) await other.call('CLIENT', 'SETNAME', names[1]);
  return [first, other];
};

const openElsewhere = async (gateway: GatewayProcess, worker: number): Promise<Redis> => {
  // They stay open until one is elsewhere: a worker that has more than its share passes connections on.
  const others: Redis[] = [];
  try {
    for (let tries = 0; tries < 50; tries++) {
      const client = await open(gateway);
      if ((await workerOf(client)) !== worker) return client;
      others.push(client);
    }
    throw new Error(`every connection goes to worker ${worker}`);
  } finally {
    for (const client of others) client.disconnect();
  }
};

const listening = (gateway: GatewayProcess): LogLine =>
  gateway.lines.find(({ msg, workers }) => msg === 'listening' && workers !== undefined)!;

const pidsOf = (gateway: GatewayProcess): number[] => listening(gateway).pids as number[];

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const stats = async (client: Redis): Promise<Record<string, string>> => {
  const flat = (await client.call('HGETALL', 'stats')) as string[];
  return Object.fromEntries(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]!]] : [])));
};

describe('two workers', () => {
  let gateway: GatewayProcess;
  let topics = 0;
  const newTopic = (): string => `t${Date.now()}-${topics++}`;

  before(async () => {
    gateway = await start(['--ops-port', '0', '--log-level', 'info']);
  });
  after(async () => {
    for (const each of gateways.splice(0)) await each.stop();
  });

  test('one port, and each worker has its share of the connections', async () => {
    const counts = [0, 0];
    for (let i = 0; i < 20; i++) counts[await workerOf(await open(gateway))]! += 1;
    assert.ok(Math.min(...counts) >= 7, `${counts}`);
    const burst = await Promise.all(Array.from({ length: 40 }, async () => workerOf(await open(gateway))));
    for (const worker of burst) counts[worker]! += 1;
    assert.ok(Math.min(...counts) >= 20, `${counts}`);
    assert.equal(pidsOf(gateway).length, 2);
    assert.ok(pidsOf(gateway).every(isAlive));
  });

  test('an identity has one owner, and is free when that one closes', async () => {
    const topic = newTopic();
    const name = `${topic}:me`;
    const [a, b] = await openApart(gateway, [name, name]);
    await a.call('RPUSHX', `topics:${topic}`, 'one', 'two');
    assert.equal(await a.call('DUMP', '10000'), 0);
    assert.ok(await pop(a, `topics:${topic}`));
    await assert.rejects(pop(b, `topics:${topic}`), { message: `CONS id ${name} is already taken` });
    const gone = once(a, 'end');
    a.disconnect();
    await gone;
    assert.ok(await pop(b, `topics:${topic}`, 30), 'the other goes on');
  });

  test('an ack reaches the owner in the other worker, and its errors come back', async () => {
    const topic = newTopic();
    const name = `${topic}:me`;
    const [owner, other] = await openApart(gateway, [name, name]);
    await owner.call('RPUSHX', `topics:${topic}:key`, 'one');
    await owner.call('RPUSHX', `topics:${topic}:key`, 'two');
    await owner.call('DUMP', '10000');
    await assert.rejects(other.call('RPUSH', 'acks', `${topic}:0:0`), {
      message: `CONS No consumer registered for Client ${name}`,
    });
    const first = (await pop(owner, `topics:${topic}`))!;
    const before = Number((await stats(other))['consumer.acks']);
    assert.equal(await ack(other, first), 1);
    const { partition } = first;
    assert.equal(await other.call('RPUSH', 'acks', `${topic}:${partition}:0`, `${topic}:${partition}:0`), 2);
    assert.equal(Number((await stats(other))['consumer.acks']), before + 3);
    await assert.rejects(other.call('RPUSH', 'acks', `${topic}:${partition}:99`), {
      message: `CONS offset 99 of ${topic}:${partition} does not exist`,
    });
    await assert.rejects(other.call('RPUSH', 'acks', `${topic}:77:0`), {
      message: `CONS Partition ${topic}:77 is not assigned to ${name}`,
    });
    const gone = once(owner, 'end');
    owner.disconnect();
    await gone;
    assert.equal((await pop(other, `topics:${topic}`, 30))?.value, 'two', 'what was acked there is committed');
  });

  test('counters are those of all, and start again for all', async () => {
    const topic = newTopic();
    const [a, b] = await openApart(gateway);
    assert.equal(await a.call('DEL', 'stats'), 1);
    for (const client of [a, b]) await client.call('RPUSHX', `topics:${topic}`, 'x');
    for (const client of [a, b]) assert.equal((await stats(client))['producer.messages'], '2');
    const address = String(gateway.lines.find(({ msg }) => msg === 'ops endpoints are served')!.address);
    const metrics = await (await fetch(`http://${address}/metrics`)).text();
    assert.match(metrics, /^rafka_producer_messages_total 2$/m);
    const memory = Number(/^process_resident_memory_bytes ([\d.e+]+)$/m.exec(metrics)![1]);
    const info = String(await a.call('INFO'));
    const shown = Number(/^used_memory_rss:(\d+)/m.exec(info)![1]);
    assert.ok(memory / shown > 0.7 && memory / shown < 1.4, `${memory} and ${shown}: of all processes`);
    assert.equal(await b.call('CONFIG', 'RESETSTAT'), 'OK');
    assert.equal((await stats(a))['producer.messages'], '0');
  });

  test('INFO speaks of one server', async () => {
    const [a, b] = await openApart(gateway);
    const ask = () => Promise.all([a, b].map(async (client) => String(await client.call('INFO'))));
    // Connections that were opened to find one elsewhere may still be on their way out.
    let infos = await ask();
    await eventually(5_000, async () => {
      infos = await ask();
      return infos.every((info) => info.includes('connected_clients:2\r'));
    });
    const field = (name: string): (string | undefined)[] =>
      infos.map((info) => new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1]);
    assert.deepEqual(new Set(field('run_id')).size, 1);
    assert.deepEqual(field('process_id'), [String(gateway.pid), String(gateway.pid)]);
    assert.deepEqual(field('tcp_port'), [String(gateway.port), String(gateway.port)]);
    assert.deepEqual(field('connected_clients'), ['2', '2']);
  });

  test('KEYS shows the same everywhere', async () => {
    const topic = newTopic();
    const [a, b] = await openApart(gateway);
    await a.call('XADD', topic, '*', 'a', '1');
    for (const client of [a, b])
      assert.ok(((await client.call('KEYS', 'topics:')) as string[]).includes(`topics:${topic}`));
    assert.equal(await b.call('XLEN', topic), 1);
  });

  test('MONITOR shows the commands of the other worker, until it ends', async () => {
    const [watcher, other] = await openApart(gateway);
    const monitor = await watcher.duplicate().monitor();
    const seen: string[] = [];
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')));
    await other.call('ECHO', 'from the other');
    await watcher.call('ECHO', 'from here');
    await eventually(5_000, () => seen.filter((line) => /^echo from/i.test(line)).length === 2);
    monitor.disconnect();
  });

  test('CLIENT LIST shows all, CLIENT KILL reaches all, numbers are never the same', async () => {
    const [a, b] = await openApart(gateway, ['here', 'there']);
    const [idA, idB] = [await idOf(a), await idOf(b)];
    const list = String(await a.call('CLIENT', 'LIST'));
    assert.deepEqual(
      [...list.matchAll(/^id=(\d+) .* name=(\w*) /gm)].map(([, id, name]) => [Number(id), name]),
      [
        [idA, 'here'],
        [idB, 'there'],
      ].sort(([one], [other]) => Number(one) - Number(other)),
    );
    assert.match(String(await a.call('CLIENT', 'LIST', 'ID', String(idB))), /^id=\d+ .* name=there .*\n$/);
    assert.equal(await a.call('CLIENT', 'KILL', 'ID', '999'), 0);
    const gone = once(b, 'end');
    assert.equal(await a.call('CLIENT', 'KILL', 'ID', String(idB)), 1);
    await gone;
    const more = await Promise.all([open(gateway), open(gateway), open(gateway)]);
    const ends = more.map((client) => once(client, 'end'));
    assert.equal(await a.call('CLIENT', 'KILL', 'TYPE', 'normal'), 3);
    await Promise.all(ends);
    await assert.rejects(a.call('CLIENT', 'KILL', '127.0.0.1:1'), { message: 'ERR No such client' });
    const c = await openElsewhere(gateway, await workerOf(a));
    const address = String(await c.call('CLIENT', 'GETNAME'));
    const ended = once(c, 'end');
    assert.equal(await a.call('CLIENT', 'KILL', address), 'OK');
    await ended;
  });

  test('CLIENT UNBLOCK ends what waits in the other worker', async () => {
    const topic = newTopic();
    const [a, b] = await openApart(gateway, [undefined, `${topic}:me`]);
    const id = await idOf(b);
    let answer: unknown = 'none yet';
    void b.call('BLPOP', `topics:${topic}`, '600').then((reply) => {
      answer = reply;
    });
    await eventually(5_000, async () => (await a.call('CLIENT', 'UNBLOCK', String(id))) === 1);
    await eventually(20_000, () => answer === null);
    assert.equal(await a.call('CLIENT', 'UNBLOCK', String(id)), 0);
  });

  test('XACK of an entry that was delivered by the other worker counts', async () => {
    const topic = newTopic();
    const [a, b] = await openApart(gateway);
    for (let i = 0; i < 8; i++) await a.call('XADD', topic, '*', 'n', String(i));
    await a.call('XGROUP', 'CREATE', topic, 'g', '0');
    const ids: string[] = [];
    await eventually(20_000, async () => {
      const read = (await a.call('XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '1000', 'STREAMS', topic, '>')) as
        | [string, [string, string[]][]][]
        | null;
      ids.push(...(read ?? []).flatMap(([, entries]) => entries.map(([id]) => id)));
      return ids.length === 8;
    });
    assert.equal(await b.call('XACK', topic, 'g', ids[0]!), 1);
    assert.equal(await b.call('XACK', topic, 'g', ids[0]!), 0);
    assert.equal(await b.call('XACK', topic, 'g', ...ids), 7);
    assert.equal(((await a.call('XPENDING', topic, 'g')) as unknown[])[0], 0);
    assert.equal(await b.call('XGROUP', 'DESTROY', topic, 'g'), 1, 'the other worker lets it go');
    await assert.rejects(b.call('XREADGROUP', 'GROUP', 'g', 'm', 'STREAMS', topic, '>'), /NOGROUP/);
  });
});

describe('lives and deaths', () => {
  after(async () => {
    for (const each of gateways.splice(0)) await each.stop();
  });

  test('kill -9 of a worker: others do not notice, names are free, another takes its place', async () => {
    const gateway = await start();
    const name = 'g:me';
    const [a, b] = await openApart(gateway, [undefined, name]);
    await a.call('RPUSHX', 'topics:t', ...Array.from({ length: 50 }, (_, i) => `m${i}`));
    await a.call('DUMP', '10000');
    assert.ok(await pop(b, 'topics:t'));
    const pid = pidsOf(gateway)[await workerOf(b)]!;
    const sent = produceUntilStopped(a);
    const counted = Number((await stats(a))['resp.connections']);
    const gone = once(b, 'end');
    process.kill(pid, 'SIGKILL');
    await gone;
    const heir = await open(gateway, name);
    assert.ok((await pop(heir, 'topics:other:{"session.timeout.ms":6000}', '0.1')) === undefined, 'the name is free');
    await eventually(20_000, () => gateway.lines.some(({ msg }) => msg === 'a worker was replaced'));
    const replaced = await openElsewhere(gateway, await workerOf(a));
    assert.equal(await workerOf(replaced), 2, 'its connections have numbers of their own');
    assert.equal(await replaced.call('RPUSHX', 'topics:t', 'x'), 1);
    assert.ok((await sent.stop()) > 0);
    assert.equal(await a.call('DUMP', '10000'), 0, 'the other worker has lost nothing');
    assert.ok(Number((await stats(a))['resp.connections']) > counted - 2, 'what it counted is kept');
  });

  for (const [how, signal] of [
    ['is stopped', 'SIGSTOP'],
    ['runs in an endless loop', 'SIGUSR2'],
  ] as const)
    test(`a worker that ${how} gets no more connections, and another one takes its place`, async () => {
      const gateway = await start([], undefined, loopOnSignal);
      const [a, b] = await openApart(gateway, [undefined, 'g:stopped']);
      assert.ok((await pop(b, 'topics:t', '0.1')) === undefined);
      const gone = once(b, 'end');
      process.kill(pidsOf(gateway)[await workerOf(b)]!, signal);
      await gone;
      assert.ok(gateway.lines.some(({ msg }) => msg === 'a worker does not answer: it is ended'));
      await eventually(20_000, () => gateway.lines.some(({ msg }) => msg === 'a worker was replaced'));
      const heir = await open(gateway, 'g:stopped');
      assert.ok((await pop(heir, 'topics:t', '0.1')) === undefined, 'its name is free');
      assert.equal(await workerOf(await openElsewhere(gateway, await workerOf(a))), 2);
    });

  test('connections that are on their way to a worker that dies end with it; those of the other are served', async () => {
    const gateway = await start();
    const one = await open(gateway);
    const stuck = pidsOf(gateway)[1 - (await workerOf(one))]!;
    process.kill(stuck, 'SIGSTOP');
    const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.connect({ port: gateway.port })));
    // An answer, or nothing when the connection was closed.
    const answers = clients.map((client) => client.exchange(['PING']));
    // Some are answered at once, the others wait for the worker that stands still.
    assert.equal(await Promise.any(answers), '+PONG\r\n');
    process.kill(stuck, 'SIGKILL');
    assert.deepEqual(new Set(await Promise.all(answers)), new Set(['+PONG\r\n', '']));
    for (const client of clients) client.close();
  });

  test('a shutdown with messages in flight loses nothing', async () => {
    const keeper = await GatewayProcess.start();
    gateways.push(keeper);
    const connected = (): LogLine | undefined => keeper.lines.find(({ msg }) => msg === 'connected to Kafka');
    await eventually(10_000, connected);
    const brokers = String(connected()!.brokers);
    const gateway = await start([], {
      general: { 'bootstrap.servers': brokers },
      producer: { 'linger.ms': 300 },
      shutdown: { timeoutMs: 20_000 },
    });
    const pair = await openApart(gateway);
    const values = Array.from({ length: 500 }, (_, i) => `m${i}`);
    await Promise.all(pair.map((client, index) => client.call('RPUSHX', `topics:kept${index}`, ...values)));
    const pids = pidsOf(gateway);
    assert.equal(await gateway.end('SIGTERM'), 0);
    assert.equal(gateway.lines.at(-1)?.msg, 'stopped');
    assert.equal(gateway.lines.at(-1)?.undelivered, 0);
    assert.ok(!pids.some(isAlive));
    const client = await open(keeper);
    for (const index of [0, 1]) {
      await eventually(10_000, async () => (await client.call('XLEN', `kept${index}`)) === values.length);
    }
  });

  test('the terminal signals all of them: workers leave it to the primary', async () => {
    const gateway = await start();
    const [a, b] = await openApart(gateway);
    for (const pid of pidsOf(gateway)) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal);
    assert.deepEqual(await Promise.all([a.ping(), b.ping()]), ['PONG', 'PONG']);
    assert.equal(await gateway.end('SIGINT'), 0);
  });

  test('a second signal ends all of them at once', async () => {
    const gateway = await start(['--drain-ms', '20000', '--shutdown-timeout', '60000']);
    const pids = pidsOf(gateway);
    const consumer = await open(gateway, 'g:me');
    const waiting = consumer.call('BLPOP', 'topics:t', '60');
    waiting.catch(() => {});
    await eventually(10_000, async () => /name=g:me .*cmd=blpop/.test(await listOf(gateway)));
    const exited = gateway.end('SIGTERM');
    await assert.rejects(waiting, /Server shutdown/);
    gateway.signal('SIGTERM');
    assert.equal(await exited, 1);
    await eventually(5_000, () => !pids.some(isAlive));
  });

  test('workers whose primary is killed stop by themselves', async () => {
    const gateway = await start();
    const pids = pidsOf(gateway);
    await gateway.end('SIGKILL');
    await eventually(15_000, () => !pids.some(isAlive));
  });

  test('a port that is taken: the reason once, and exit code 1', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    await assert.rejects(GatewayProcess.start({ port, args: ['--workers', '3'] }), (error: Error) => {
      const lines = JSON.parse(error.message.slice(error.message.indexOf('['))) as LogLine[];
      const reasons = lines.filter(({ level }) => level >= 50);
      assert.equal(reasons.length, 1);
      assert.equal(reasons[0]!.code, 'EADDRINUSE');
      return true;
    });
    taken.close();
  });

  test('names are unique with --strict-names, and --max-clients counts all', async () => {
    const gateway = await start(['--strict-names', '--max-clients', '3']);
    const [a, b] = await openApart(gateway, ['g:me']);
    await assert.rejects(b.call('CLIENT', 'SETNAME', 'g:me'), { message: 'CONS id g:me is already taken' });
    assert.equal(await b.call('CLIENT', 'SETNAME', 'g:other'), 'OK');
    // One that was closed while looking for another worker may still be counted.
    const isThird = (): Promise<boolean> =>
      open(gateway).then(
        () => true,
        () => false,
      );
    await eventually(5_000, isThird);
    await eventually(5_000, async () => {
      const fourth = new Redis({ port: gateway.port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null });
      fourth.on('error', () => {});
      const refused = await fourth.connect().then(
        () => false,
        () => true,
      );
      fourth.disconnect();
      return refused;
    });
    assert.equal(await a.ping(), 'PONG');
  });

  test('a unix socket is served by all, one that was left behind is replaced, and it goes with the last', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rafka-workers-'));
    const path = join(folder, 'socket');
    const gateway = await start(['--unix-socket', path]);
    await gateway.end('SIGKILL');
    assert.ok(existsSync(path), 'left behind');
    await gateway.run();
    const workers = new Set<number>();
    for (let i = 0; i < 4; i++) {
      const client = new Redis({ path, retryStrategy: () => null });
      clients.push(client);
      workers.add(await workerOf(client));
    }
    assert.equal(workers.size, 2);
    assert.equal(await gateway.end(), 0);
    assert.ok(!existsSync(path));
    rmSync(folder, { recursive: true, force: true });
  });

  test('on a real Kafka a group that the other worker reads can be moved and destroyed', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const kafka = await KafkaServer.start();
    t.after(() => kafka.stop());
    const gateway = await start([], { general: { 'bootstrap.servers': kafka.brokers } });
    t.after(() => gateway.end());
    const [a, b] = await openApart(gateway);
    await a.call('XADD', 's', '*', 'n', '1');
    await a.call('XGROUP', 'CREATE', 's', 'g', '0');
    const read = async (client: Redis): Promise<unknown> =>
      client.call('XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '500', 'STREAMS', 's', '>');
    await eventually(20_000, () => read(a));
    assert.equal(await b.call('XGROUP', 'SETID', 's', 'g', '0'), 'OK');
    await eventually(20_000, () => read(b));
    assert.equal(await a.call('XGROUP', 'DESTROY', 's', 'g'), 1);
    for (const client of [a, b]) await assert.rejects(read(client), /NOGROUP/);
  });

  test('one worker is the process itself', async () => {
    const gateway = await GatewayProcess.start({ args: ['--workers', '1'], port: await freePort() });
    gateways.push(gateway);
    const client = await open(gateway);
    assert.equal(await idOf(client), 1);
    assert.match(String(await client.call('INFO', 'server')), new RegExp(`process_id:${gateway.pid}\r`));
  });
});

async function listOf(gateway: GatewayProcess): Promise<string> {
  const client = await open(gateway);
  const list = String(await client.call('CLIENT', 'LIST'));
  client.disconnect();
  return list;
}

/** Produces on a connection without a break. @returns stop(): how many were taken; fails if one was not. */
function produceUntilStopped(client: Redis): { stop(): Promise<number> } {
  let running = true;
  const done = (async () => {
    let count = 0;
    while (running) count += Number(await client.call('RPUSHX', 'topics:t', 'more'));
    return count;
  })();
  return {
    stop() {
      running = false;
      return done;
    },
  };
}
