import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ConfigError, checkVariables, fromText, loadConfig, settingTypes } from '../../../src/app/config.js';
import { environmentName, propertyPath } from '../../../src/app/environment.js';
import { gatewayFlags } from '../../../src/app/flags.js';
import { goingKeys } from '../../../src/app/old-keys.js';

const folder = mkdtempSync(join(tmpdir(), 'rafka-config-'));
after(() => rmSync(folder, { recursive: true }));

function file(content: unknown): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const load = (content: unknown, env: Record<string, string> = {}, flags: [string, unknown][] = []) =>
  loadConfig({ file: file(content), env, flags });

test('a plain Rafka file is a configuration, its librdkafka keys untouched', async () => {
  const rafka = {
    general: { 'bootstrap.servers': 'localhost:9092', 'go.events.channel.enable': true },
    consumer: { 'auto.offset.reset': 'earliest', 'enable.auto.commit': true },
    producer: { acks: 1, 'go.delivery.reports': true },
  };
  const config = await load(rafka);
  assert.deepEqual({ general: config.general, consumer: config.consumer, producer: config.producer }, rafka);
  assert.equal(config.embedded, false);
  assert.equal(config.resp.port, 6380);
});

test('without a file Kafka is embedded', async () => {
  assert.equal((await loadConfig({ env: {}, flags: [] })).embedded, true);
});

test('a flag beats a variable, a variable the file, the file the default', async () => {
  const content = { resp: { port: 7001, maxClients: 5 }, log: { level: 'warn' } };
  const config = await load(content, { RAFKA_RESP_PORT: '7002', RAFKA_LOG_LEVEL: 'debug' }, [['resp.port', 7003]]);
  assert.equal(config.resp.port, 7003);
  assert.equal(config.log.level, 'debug');
  assert.equal(config.resp.maxClients, 5);
  assert.equal(config.resp.host, '127.0.0.1');
});

test('RAFKA_PASSWORD sets the password', async () => {
  assert.equal((await load({}, { RAFKA_PASSWORD: 'secret' })).resp.requirepass, 'secret');
});

test('an unknown key is refused with its path and the nearest known one', async () => {
  await assert.rejects(load({ resp: { maxClient: 5 } }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /unknown key resp\.maxClient: did you mean resp\.maxClients\?/);
    return true;
  });
  await assert.rejects(load({ producers: {} }), /did you mean producer\?/);
});

test('a value of the wrong kind is refused with its path', async () => {
  await assert.rejects(load({ resp: { port: 'x' } }), /resp\.port/);
  await assert.rejects(load({}, { RAFKA_RESP_PORT: 'many' }), /resp\.port/);
  await assert.rejects(load({ general: { 'bootstrap.servers': ['a'] } }), /bootstrap\.servers: must be a text/);
  await assert.rejects(load('{'), /is not JSON/);
  await assert.rejects(load('[]'), /must hold a JSON object/);
  await assert.rejects(loadConfig({ file: join(folder, 'none.json'), env: {}, flags: [] }), /cannot read/);
});

test('every flag sets a key that exists', () => {
  const known = settingTypes();
  for (const { flag, path } of gatewayFlags)
    assert.ok(known.has(path) || path === 'general.bootstrap.servers', `${flag} sets ${path}`);
});

test('keys of earlier versions are read, with a warning each', async () => {
  const file = { resp: { gatherMs: 7, sharedProducers: 2, keepAliveMs: 1_000 } };
  const { resp, warnings } = await load(file, { RAFKA_RESP_MAX_ARGS: '10' });
  assert.deepEqual([resp.lingerMs, resp.keepAliveMs, resp.maxArgs], [7, 1_000, 10]);
  assert.deepEqual(
    warnings.map((text) => text.split(' ')[0]),
    ['resp.gatherMs', 'resp.sharedProducers', 'resp.maxArgs', 'resp.keepAliveMs'],
  );
  assert.match(warnings[0]!, /resp\.lingerMs/);
  assert.equal((await load({ resp: { gatherMs: 7, lingerMs: 3 } })).resp.lingerMs, 3, 'the present name overrides');
  assert.equal((await load({}, { RAFKA_RESP_GATHER_MS: '9', RAFKA_RESP_SHARED_PRODUCERS: '1' })).resp.lingerMs, 9);
  await assert.rejects(load({ resp: { gatherMs: 'x' } }), /resp\.lingerMs/);
  const known = settingTypes();
  for (const key of goingKeys) assert.ok(known.has(key), key);
});

test('every key says what it is', () => {
  for (const [path, { description }] of settingTypes()) assert.ok(description, path);
});

test('variables are named after their keys', () => {
  assert.equal(environmentName('resp.maxClients'), 'RAFKA_RESP_MAX_CLIENTS');
  assert.equal(environmentName('resp.tls.certFile'), 'RAFKA_RESP_TLS_CERT_FILE');
});

test('texts become what their key holds', () => {
  const types = settingTypes();
  assert.equal(fromText(types.get('resp.port')!.type, '1'), 1);
  assert.equal(fromText(types.get('resp.strictNames')!.type, '0'), false);
  assert.equal(fromText(types.get('resp.host')!.type, '1'), '1');
});

test('--brokers and RAFKA_BROKERS name Kafka in place of a file, and over what a file names anywhere', async () => {
  const named = await loadConfig({ env: { RAFKA_BROKERS: 'a:1,b:2' }, flags: [] });
  assert.deepEqual([named.embedded, named.general], [false, { 'bootstrap.servers': 'a:1,b:2' }]);
  const full = { RAFKA_BROKERS: 'a:1', RAFKA_GENERAL_BOOTSTRAP_SERVERS: 'b:1' };
  assert.equal((await loadConfig({ env: full, flags: [] })).general['bootstrap.servers'], 'b:1');
  const content = {
    general: { 'metadata.broker.list': 'file:1', 'client.id': 'x' },
    producer: { 'bootstrap.servers': 'file:2', acks: 1 },
  };
  const config = await load(content, { RAFKA_BROKERS: 'variable:1' }, [['general.bootstrap.servers', 'flag:1']]);
  assert.deepEqual(config.general, { 'client.id': 'x', 'bootstrap.servers': 'flag:1' });
  assert.deepEqual(config.producer, { acks: 1 });
  assert.equal((await loadConfig({ env: { RAFKA_BROKERS: '' }, flags: [] })).embedded, true);
  await assert.rejects(load({}, { RAFKA_BROKERS: 'a:1,' }), /general\.bootstrap\.servers: '' in 'a:1,' is no broker/);
});

test('every property of librdkafka has a variable: _ is a dot, __ a dash, ___ an underscore', async () => {
  const clusters = { 'Far-away': { general: { 'bootstrap.servers': 'a:1' } } };
  const env = {
    RAFKA_GENERAL_SECURITY_PROTOCOL: 'sasl_ssl',
    RAFKA_CONSUMER_AUTO_OFFSET_RESET: 'earliest',
    RAFKA_PRODUCER_LINGER_MS: '5',
    RAFKA_CLUSTERS_FAR_AWAY_GENERAL_CLIENT_ID: 'c',
    RAFKA_CLUSTERS_EU_GENERAL_BOOTSTRAP_SERVERS: 'e:1',
  };
  const config = await load({ general: { 'bootstrap.servers': 'k:1' }, clusters }, env);
  assert.deepEqual(config.general, { 'bootstrap.servers': 'k:1', 'security.protocol': 'sasl_ssl' });
  assert.deepEqual([config.consumer, config.producer], [{ 'auto.offset.reset': 'earliest' }, { 'linger.ms': '5' }]);
  assert.deepEqual(config.clusters['Far-away']?.general, { 'bootstrap.servers': 'a:1', 'client.id': 'c' });
  assert.deepEqual(config.clusters.eu?.general, { 'bootstrap.servers': 'e:1' });
  assert.deepEqual(propertyPath('RAFKA_GENERAL_A__B___C_D', []), ['general', 'a-b_c.d']);
});

test('a variable that nobody knows is refused with the nearest name', async () => {
  const env = { RAFKA_RESP_MAX_CLIENT: '5', RAFKA_BROKER: 'a:1' };
  await assert.rejects(load({}, env), (error: Error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.message.split('\n').sort(), [
      'unknown variable RAFKA_BROKER: did you mean RAFKA_BROKERS?',
      'unknown variable RAFKA_RESP_MAX_CLIENT: did you mean RAFKA_RESP_MAX_CLIENTS?',
    ]);
    return true;
  });
  assert.throws(() => checkVariables(env), /did you mean RAFKA_BROKERS\?/);
  checkVariables({ RAFKA_PASSWORD: 'x', RAFKA_RESP_PORT: '1', RAFKA_GENERAL_CLIENT_ID: 'x' });
});

test("variables of this repository's scripts, and those that Kubernetes makes of a Service, are no typing errors", async () => {
  const env = {
    RAFKA_CACHE: 'x',
    RAFKA_REQUIRE: '1',
    RAFKA_KAFKA_LIBS: 'x',
    RAFKA_BENCH_ROUNDS: '1',
    RAFKA_SERVICE_HOST: '10.0.0.1',
    RAFKA_SERVICE_PORT: '6380',
    RAFKA_SERVICE_PORT_RESP: '6380',
    RAFKA_PORT: 'tcp://10.0.0.1:6380',
    RAFKA_PORT_6380_TCP: 'tcp://10.0.0.1:6380',
    RAFKA_PORT_6380_TCP_ADDR: '10.0.0.1',
    RAFKA_RESP_SERVICE_HOST: '10.0.0.1',
    RAFKA_RESP_PORT: 'tcp://10.0.0.1:6380',
    RAFKA_CONSUMER_PORT_6380_TCP_PROTO: 'tcp',
  };
  const config = await load({}, env);
  assert.deepEqual([config.resp.port, config.consumer], [6380, {}]);
});

test('with NODE_ENV=production the embedded Kafka runs only where it is asked for', async () => {
  const env = { NODE_ENV: 'production' };
  await assert.rejects(loadConfig({ env, flags: [] }), /NODE_ENV is production.*--brokers.*--embedded/);
  assert.equal((await loadConfig({ env, flags: [['embedded', true]] })).embedded, true);
  assert.equal((await loadConfig({ env: { ...env, RAFKA_EMBEDDED: '1' }, flags: [] })).embedded, true);
  assert.equal((await load({ embedded: true, resp: { port: 1 } }, env)).embedded, true);
  assert.equal((await load({ general: { 'bootstrap.servers': 'a:1' } }, env)).embedded, false);
  assert.equal((await loadConfig({ env: { ...env, RAFKA_BROKERS: 'a:1' }, flags: [] })).embedded, false);
  await assert.rejects(load({ embedded: true, general: { 'bootstrap.servers': 'a:1' } }), /brokers a:1 as well/);
});

test('no time may be longer than a timer can be: shutdown.timeoutMs of 34 days ended a shutdown at once', async () => {
  const times = [...settingTypes()].filter(([path]) => path.endsWith('Ms'));
  assert.ok(times.length > 30);
  for (const [path, { type }] of times) {
    const result = type.safeParse(3_000_000_000);
    assert.equal(result.success, false, `${path} takes 34 days`);
    assert.match(result.error!.issues[0]!.message, /at most|<=/, path);
  }
  await assert.rejects(
    loadConfig({ env: {}, flags: [['shutdown.timeoutMs', 3_000_000_000]] }),
    /shutdown\.timeoutMs: must be at most 2147483647 ms, which is 24 days/,
  );
  const { shutdown } = await loadConfig({ env: {}, flags: [['shutdown.timeoutMs', 2_147_483_647]] });
  assert.equal(shutdown.timeoutMs, 2_147_483_647);
});

describe('secrets in files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-secrets-'));
  after(() => rmSync(dir, { recursive: true }));
  const secret = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const load = (env: Record<string, string>) => loadConfig({ env, flags: [] });

  test('each secret has a variable that names its file', async () => {
    const config = await load({
      RAFKA_BROKERS: 'a:9092',
      RAFKA_PASSWORD_FILE: secret('pass', 'geheim\n'),
      RAFKA_GENERAL_SASL_PASSWORD_FILE: secret('sasl', ' two words '),
      RAFKA_CLUSTERS_B_PRODUCER_SSL_KEY_PASSWORD_FILE: secret('key', 'k'),
      RAFKA_RIS_HOST: 'rrc00',
      RAFKA_RIS_REDIS_FILE: secret('redis', 'redis://:pw@r:6379\r\n'),
    });
    assert.equal(config.resp.requirepass, 'geheim');
    assert.deepEqual(config.general, { 'bootstrap.servers': 'a:9092', 'sasl.password': ' two words ' });
    assert.deepEqual(config.clusters.b?.producer, { 'ssl.key.password': 'k' });
    assert.equal(config.ris?.redis, 'redis://:pw@r:6379');
  });

  test('what can not be read, is empty or is there twice is named', async () => {
    await assert.rejects(load({ RAFKA_PASSWORD_FILE: join(dir, 'none') }), /resp\.requirepassFile: ENOENT/);
    await assert.rejects(
      load({ RAFKA_PASSWORD_FILE: secret('empty', '\n') }),
      /resp\.requirepassFile: .*empty is empty/,
    );
    await assert.rejects(
      load({ RAFKA_PASSWORD_FILE: secret('both', 'x'), RAFKA_PASSWORD: 'y' }),
      /resp\.requirepassFile: requirepass is set as well/,
    );
  });
});
