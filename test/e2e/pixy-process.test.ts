// `rafka pixy` as a process: flags, kill -9, TLS and SASL on both sides, several clusters, clients that mean no good.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { hashed } from '../support/credentials.js';
import { GatewayProcess, type LogLine } from '../support/gateway.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { met, pixyPyPath, whyNoPixyPy } from '../support/needs.js';
import { PixyClient } from '../support/pixy-client.js';
import { type Answer, askUrl, pixyYaml, silent, startPixy, until } from '../support/pixy-lab.js';
import { connect as connectRedis } from '../support/redis-client.js';

const why = whyNoKafka();
const main = join(import.meta.dirname, '../../../bin/rafka');
const execute = promisify(execFile);
const plain = { 'content-type': 'text/plain' };

interface Running {
  readonly child: ChildProcess;
  readonly http: string;
  readonly grpc: string;
  readonly lines: readonly string[];
}

describe('rafka pixy', { timeout: 600_000 }, () => {
  let server: KafkaServer;
  const dir = mkdtempSync(join(tmpdir(), 'pixy-'));
  const running: ChildProcess[] = [];
  before(async () => {
    if (why) return;
    server = await KafkaServer.start({ sasl: true, tls: true });
    const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': server.brokers }, log: silent });
    for (const name of ['one', 'kill']) await kafka.admin.createTopic({ name, partitions: 1 });
    await kafka.close();
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const file = (yaml: string): string => {
    const path = join(dir, `${Math.random()}.yaml`);
    writeFileSync(path, yaml);
    return path;
  };
  const run = (...flags: string[]): ChildProcess => {
    const child = spawn(main, ['pixy', ...flags], { stdio: ['ignore', 'inherit', 'pipe'] });
    running.push(child);
    return child;
  };
  const started = async (...flags: string[]): Promise<Running> => {
    const child = run(...flags);
    const lines: string[] = [];
    let http = '';
    for await (const line of createInterface({ input: child.stderr! })) {
      lines.push(line);
      const entry = JSON.parse(line);
      if (entry.msg === 'HTTP is served') http = entry.addresses[0];
      if (entry.msg !== 'gRPC is served') continue;
      child.stderr!.resume();
      return { child, http, grpc: entry.address, lines };
    }
    throw new Error(lines.join('\n'));
  };
  const stop = async ({ child }: Running, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    const [code] = await once(child, 'exit');
    return code;
  };
  const take = async (url: string, topic: string, more = ''): Promise<{ value: string; offset: number }> => {
    for (let tries = 0; tries < 20; tries++) {
      const { status, json } = await askUrl(`${url}/topics/${topic}/messages?group=g${more}`);
      if (status === 200) return { ...json, value: Buffer.from(json.value, 'base64').toString() };
      assert.equal(status, 408);
    }
    throw new Error('nothing to take');
  };

  it('flags win over the file, the process id is written, SIGTERM ends with 0', async (t) => {
    if (!met(t, why)) return;
    const pid = join(dir, 'pid');
    const yaml = file(pixyYaml('127.0.0.1:1', { top: { unknown_key: 1 } }));
    const pixy = await started('-config', yaml, '-kafkaPeers', server.brokers, '--pidFile', pid);
    assert.equal(readFileSync(pid, 'utf8'), String(pixy.child.pid));
    assert.ok(pixy.lines.some((line) => line.includes('unknown_key is not a known key')));
    assert.equal((await askUrl(`http://${pixy.http}/_ping`)).text, 'pong');
    assert.equal(await stop(pixy), 0);
  });

  it('what is wrong with the configuration is said, with exit code 1', async (t) => {
    if (!met(t, why)) return;
    const child = run('--config', file('proxies: {}'));
    const said = createInterface({ input: child.stderr! });
    const [line] = await once(said, 'line');
    assert.match(line, /invalid config parameter: at least on proxy must be configured/);
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 1);
  });

  it('inside the gateway: RESP, REST, gRPC and an ops port share one Kafka', async (t) => {
    if (!met(t, why)) return;
    const sections = { http: { port: 0 }, grpc: { port: 0 }, ops: { port: 0 }, pool: { initialOffset: 'oldest' } };
    const general = { 'bootstrap.servers': server.brokers };
    const gateway = await GatewayProcess.start({ config: { general, ...sections } });
    try {
      const address = async (msg: string): Promise<LogLine> => {
        const found = () => gateway.lines.find((line) => line.msg === msg);
        return (await until(found, (line) => line !== undefined))!;
      };
      const { addresses } = await address('HTTP is served');
      const http = `http://${(addresses as string[])[0]}`;
      const grpc = new PixyClient(String((await address('gRPC is served')).address));
      const redis = await connectRedis(gateway.port);
      await redis.call('RPUSHX', 'topics:shared', 'by resp');
      assert.equal(await redis.call('DUMP', '10000'), 0);
      redis.disconnect();
      assert.equal((await take(http, 'shared')).value, 'by resp');
      const put = await grpc.call('Produce', { topic: 'shared', message: Buffer.from('by grpc'), key_undefined: true });
      assert.equal(put.offset >= 0, true);
      assert.equal((await take(http, 'shared')).value, 'by grpc');
      grpc.close();
      const ops = `http://${(await address('ops endpoints are served')).address}`;
      assert.equal((await askUrl(`${ops}/readyz`)).status, 200);
      const { text } = await askUrl(`${ops}/metrics`);
      assert.match(text, /rafka_resp_commands_total [1-9]/);
      assert.match(text, /rafka_group_acked_total\{cluster="default",group="g",topic="shared"\} 2/);
    } finally {
      await gateway.stop();
    }
  });

  it('users of RESP are users of REST and gRPC, with the same rights; so they are with --users-file of rafka pixy', async (t) => {
    if (!met(t, why)) return;
    const usersFile = join(dir, 'users.json');
    const app = { name: 'app', password: hashed('secret'), produce: ['one'], consume: ['one'], groups: ['g'] };
    writeFileSync(usersFile, JSON.stringify([app]));
    const authorization = `Basic ${Buffer.from('app:secret').toString('base64')}`;
    const body = { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain', authorization } };
    const check = async (http: string, grpcAddress: string): Promise<void> => {
      assert.equal((await askUrl(`${http}/topics`)).status, 401);
      assert.equal((await askUrl(`${http}/topics/one/messages?sync`, body)).status, 200);
      assert.equal((await askUrl(`${http}/topics/kill/messages?sync`, body)).status, 403);
      assert.deepEqual((await askUrl(`${http}/topics`, { headers: { authorization } })).json, ['one']);
      const record = { topic: 'one', message: Buffer.from('x'), key_undefined: true };
      const [known, unknown] = [new PixyClient(grpcAddress, undefined, authorization), new PixyClient(grpcAddress)];
      await known.call('Produce', record);
      await assert.rejects(known.call('Produce', { ...record, topic: 'kill' }), { code: 7 });
      await assert.rejects(unknown.call('Produce', record), { code: 16 });
      known.close();
      unknown.close();
    };
    const general = { 'bootstrap.servers': server.brokers };
    const gateway = await GatewayProcess.start({
      config: { general, http: { port: 0 }, grpc: { port: 0 }, resp: { usersFile } },
    });
    try {
      const line = (msg: string) => gateway.lines.find((each) => each.msg === msg);
      await until(
        () => line('gRPC is served'),
        (found) => found !== undefined,
      );
      const [http] = line('HTTP is served')!.addresses as string[];
      await check(`http://${http}`, String(line('gRPC is served')!.address));
      const redis = await connectRedis(gateway.port, undefined, { username: 'app', password: 'secret' });
      assert.equal(await redis.call('RPUSHX', 'topics:one', 'x'), 1);
      await assert.rejects(redis.call('RPUSHX', 'topics:kill', 'x'), /NOPERM/);
      redis.disconnect();
    } finally {
      await gateway.stop();
    }
    const pixy = await started('--config', file(pixyYaml(server.brokers)), '--users-file', usersFile);
    await check(`http://${pixy.http}`, pixy.grpc);
    assert.equal(await stop(pixy), 0);
  });

  it('--ops-port on a gateway that speaks RESP only: readiness falls when the broker is lost', async (t) => {
    if (!met(t, why)) return;
    const own = await KafkaServer.start();
    const general = { 'bootstrap.servers': own.brokers };
    const gateway = await GatewayProcess.start({ config: { general }, args: ['--ops-port', '0'] });
    try {
      const said = () => gateway.lines.find(({ msg }) => msg === 'ops endpoints are served');
      const ops = `http://${(await until(said, (line) => line !== undefined))!.address}`;
      await until(
        () => askUrl(`${ops}/readyz`),
        ({ status }) => status === 200,
      );
      await own.kill9();
      const lost = await until(
        () => askUrl(`${ops}/readyz`),
        ({ status }) => status === 503,
      );
      assert.match(lost.text, /^cluster default: ./);
      assert.equal((await askUrl(`${ops}/healthz`)).status, 200);
      assert.match((await askUrl(`${ops}/metrics`)).text, /rafka_resp_connections_total 0/);
      await own.restart();
      await until(
        () => askUrl(`${ops}/readyz`),
        ({ status }) => status === 200,
      );
    } finally {
      await gateway.stop();
      await own.stop();
    }
  });

  it('a Python client generated from the .proto file: every RPC, the reference loop, refusals', async (t) => {
    if (!met(t, why) || !met(t, whyNoPixyPy())) return;
    const pixy = await started('--config', file(pixyYaml(server.brokers)));
    const script = join(import.meta.dirname, '../../../test/compat/python/kafka_pixy.py');
    const env = { ...process.env, PYTHONPATH: pixyPyPath };
    const { stdout } = await execute('python3', [script, pixy.grpc, 'one'], { env });
    assert.match(stdout, /every RPC answered/);
    await stop(pixy);
  });

  it('the OpenAPI document is one, says a validator', async (t) => {
    if (!met(t, why) || !met(t, whyNoPixyPy())) return;
    const pixy = await started('--config', file(pixyYaml(server.brokers)));
    const { text } = await askUrl(`http://${pixy.http}/openapi.json`);
    const env = { ...process.env, PYTHONPATH: pixyPyPath };
    const { stdout } = await execute('python3', ['-m', 'openapi_spec_validator', file(text)], { env });
    assert.match(stdout, /: OK/);
    await stop(pixy);
  });

  it('no broker answers: requests end with their long poll, and SIGTERM ends the process all the same', async (t) => {
    if (!met(t, why)) return;
    const own = await KafkaServer.start();
    try {
      const pixy = await started('--config', file(pixyYaml(own.brokers)));
      const url = `http://${pixy.http}`;
      // The broker makes the topic: it may not be there at once.
      await until(
        () => askUrl(`${url}/topics/known/messages?sync`, { method: 'POST', body: 'v', headers: plain }),
        ({ status }) => status === 200,
      );
      assert.equal((await take(url, 'known')).value, 'v');
      await own.kill9();
      const waiting = ['known', 'fresh'].map((topic) => askUrl(`${url}/topics/${topic}/messages?group=g`));
      for (const { status } of await Promise.all(waiting)) assert.equal(status, 408);
      assert.equal(await stop(pixy), 0);
    } finally {
      await own.stop();
    }
  });

  it('kill -9 with offers out: all of them come again', async (t) => {
    if (!met(t, why)) return;
    const yaml = file(pixyYaml(server.brokers, { consumer: { subscription_timeout: '1s' }, clientId: 'same' }));
    const first = await started('--config', yaml);
    const url = `http://${first.http}`;
    for (let i = 0; i < 6; i++)
      await askUrl(`${url}/topics/kill/messages?sync`, { method: 'POST', body: `${i}`, headers: plain });
    const acked = await take(url, 'kill', '&noAck');
    for (let i = 0; i < 4; i++) await take(url, 'kill', '&noAck');
    await askUrl(`${url}/topics/kill/acks?group=g&partition=0&offset=${acked.offset}`, { method: 'POST' });
    await until(
      async () => (await askUrl(`${url}/topics/kill/offsets?group=g`)).json[0].offset,
      (offset) => offset === 1,
    );
    await stop(first, 'SIGKILL');
    const second = await started('--config', yaml);
    const again = [];
    for (let i = 0; i < 5; i++) again.push((await take(`http://${second.http}`, 'kill')).value);
    assert.deepEqual(again, ['1', '2', '3', '4', '5']);
    assert.equal(await stop(second), 0);
  });

  it('TLS for clients, over HTTP and gRPC', async (t) => {
    if (!met(t, why)) return;
    const ca = readFileSync(server.caFile);
    const pem = join(server.caFile, '../server');
    const tls = { certificate_path: `${pem}.crt`, key_path: `${pem}.key` };
    const pixy = await startPixy(server.brokers, { top: { tls } });
    const url = pixy.url.replace('http:', 'https:');
    const body = await new Promise<string>((resolve, reject) => {
      requestTls(`${url}/_ping`, { ca, agent: false }, (response) => {
        response.on('data', (chunk) => resolve(String(chunk)));
      })
        .on('error', reject)
        .end();
    });
    assert.equal(body, 'pong');
    const client = new PixyClient(pixy.grpcAddress, ca);
    assert.ok('one' in (await client.call('ListTopics', {})).topics);
    client.close();
    await pixy.stop();
  });

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) {
    it(`SASL ${mechanism} to Kafka`, async (t) => {
      if (!met(t, why)) return;
      const sasl = { enable: true, user: saslUser.username, password: saslUser.password, mechanism };
      const pixy = await startPixy(server.saslBrokers, { net: { sasl } });
      assert.equal((await pixy.put('one', 'm')).partition, 0);
      assert.ok((await pixy.ask('/topics')).json.includes('one'));
      await pixy.stop();
    });
  }

  it('TLS to Kafka', async (t) => {
    if (!met(t, why)) return;
    const pixy = await startPixy(server.tlsBrokers, { kafka: { tls: true, ca_certificate_file: server.caFile } });
    assert.equal((await pixy.put('one', 'm')).partition, 0);
    await pixy.take('one', 'tls');
    await pixy.stop();
  });

  it('two clusters do not see each other', async (t) => {
    if (!met(t, why)) return;
    const other = await KafkaServer.start();
    const proxy = (brokers: string) => JSON.parse(pixyYaml(brokers)).proxies.default;
    const proxies = { first: proxy(server.brokers), second: proxy(other.brokers) };
    const pixy = await startPixy('', { top: { proxies } });
    const produce = (path: string) =>
      pixy.ask(`${path}/topics/both/messages?sync`, { method: 'POST', body: path, headers: plain });
    await produce('/clusters/second');
    await produce('/clusters/second');
    const names = async (path: string) => (await pixy.ask(`${path}/topics`)).json;
    assert.ok((await names('/clusters/second')).includes('both'));
    assert.ok(!(await names('/clusters/first')).includes('both'));
    assert.ok(!(await names('')).includes('both'), 'the first one is the default');
    await other.stop();
    assert.equal((await pixy.ask('/topics')).status, 200, 'the first goes on without the second');
    await pixy.stop();
  });

  it('slow, long and broken requests are ended, and nobody else minds', async (t) => {
    if (!met(t, why)) return;
    const pixy = await startPixy(server.brokers);
    const { hostname, port } = new URL(pixy.url);
    const raw = (text: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text));
        let answer = '';
        socket.on('data', (chunk) => {
          answer += chunk;
        });
        socket.on('error', reject);
        socket.on('close', () => resolve(answer));
      });
    const slow = raw('GET /topics HTTP/1.1\r\nHost: x\r\nX-Slow');
    assert.match(await raw(`GET /topics HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
    assert.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
    const large: Answer = await pixy.ask('/topics/one/messages', {
      method: 'POST',
      body: Buffer.alloc(9_000_000),
      headers: plain,
    });
    assert.deepEqual([large.status, large.json], [413, { error: 'request body is too large' }]);
    assert.match(await slow, /^HTTP\/1.1 408 /);
    assert.equal((await pixy.ask('/_ping')).text, 'pong');
    await pixy.stop();
  });
});
