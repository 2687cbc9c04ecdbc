import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, environmentName, fromText, loadConfig, settingTypes } from '../../src/config.js';
import { gatewayFlags } from '../../src/flags.js';

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
  for (const { flag, path } of gatewayFlags) assert.ok(known.has(path), `${flag} sets ${path}`);
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
