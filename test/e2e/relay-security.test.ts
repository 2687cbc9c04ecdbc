// The relay against listeners with SASL and TLS of a real broker, as source and as target.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { KafkaFactory } from '../../src/core/ports.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { fill, numbered, readAll, until, valuesOf } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

const why = whyNoKafka();

describe('relay over SASL and TLS', { timeout: 600_000 }, () => {
  let server: KafkaServer | undefined;
  /** Wants a certificate of its clients. */
  let strict: KafkaServer | undefined;
  let kafka: KafkaFactory | undefined;
  let n = 0;
  before(async () => {
    if (why) return;
    [server, strict] = await Promise.all([
      KafkaServer.start({ sasl: true, tls: true }),
      KafkaServer.start({ tls: true, properties: { 'ssl.client.auth': 'required' } }),
    ]);
    kafka = await openKafka(server.brokers);
  });
  after(async () => {
    await kafka?.close();
    await Promise.all([server?.stop(), strict?.stop()]);
  });
  const needs = (t: TestContext) => met(t, why);

  /** Copies ten messages within one cluster over these connections, as a process. */
  async function copy(source: Record<string, unknown>, target: Record<string, unknown>): Promise<string[]> {
    const [a, b] = [`a${++n}`, `b${n}`];
    await Promise.all([makeTopic(kafka!, a, 2), makeTopic(kafka!, b, 2)]);
    await fill(kafka!, numbered(a, 10, { partitions: 2 }));
    const relay = await RelayProcess.start(await relayToml([], '', { topics: { [a]: b }, sources: [source], target }), [
      '--stop-at-end',
    ]);
    assert.equal(await relay.exited, 0, `${relay.output} ${JSON.stringify(relay.lines)}`);
    return valuesOf(await readAll(kafka!, b));
  }
  const sasl = (mechanism: string, over = {}) => ({
    servers: [server!.saslBrokers],
    session_timeout: '6s',
    enable_auth: true,
    sasl_mechanism: mechanism,
    ...saslUser,
    ...over,
  });

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    test(mechanism, async (t) => {
      if (!needs(t)) return;
      assert.equal((await copy(sasl(mechanism), sasl(mechanism))).length, 10);
    });
  }

  test('TLS with a CA alone', async (t) => {
    if (!needs(t)) return;
    const tls = {
      servers: [server!.tlsBrokers],
      session_timeout: '6s',
      enable_tls: true,
      ca_cert_path: server!.caFile,
    };
    assert.equal((await copy(tls, tls)).length, 10);
  });

  test('TLS with a client certificate', async (t) => {
    if (!needs(t)) return;
    const tls = {
      servers: [strict!.tlsBrokers],
      session_timeout: '6s',
      enable_tls: true,
      ca_cert_path: strict!.caFile,
    };
    const certified = { ...tls, client_cert_path: strict!.clientCertFile, client_key_path: strict!.clientKeyFile };
    const plain = await openKafka(strict!.brokers);
    t.after(() => plain.close());
    await Promise.all([makeTopic(plain, 'c', 1), makeTopic(plain, 'd', 1)]);
    await fill(plain, numbered('c', 10));
    const over = { topics: { c: 'd' }, sources: [certified], target: certified };
    const relay = await RelayProcess.start(await relayToml([], '', over), ['--stop-at-end']);
    assert.equal(await relay.exited, 0, relay.output);
    assert.equal(valuesOf(await readAll(plain, 'd')).length, 10);
    const without = await RelayProcess.start(await relayToml([], '', { ...over, target: tls }));
    await until('a report', () => without.line('target not usable') !== undefined);
    without.kill('SIGTERM');
    await without.exited;
  });

  test('a wrong password is said and tried again, and never logged', async (t) => {
    if (!needs(t)) return;
    await makeTopic(kafka!, 'w', 1);
    const wrong = sasl('PLAIN', { password: 'not-this-one' });
    const relay = await RelayProcess.start(
      await relayToml([], '', { topics: { w: 'w2' }, sources: [wrong], target: wrong }),
    );
    await until('a report', () => relay.line('target not usable') !== undefined);
    relay.kill('SIGTERM');
    assert.equal(await relay.exited, 0);
    assert.doesNotMatch(JSON.stringify(relay.lines) + relay.output, /not-this-one/);
  });

  test('a source with a wrong password, or whose CA is another: server and cause', async (t) => {
    if (!needs(t)) return;
    await Promise.all([makeTopic(kafka!, 's', 1), makeTopic(kafka!, 's2', 1)]);
    const foreign = {
      servers: [server!.tlsBrokers],
      session_timeout: '6s',
      enable_tls: true,
      ca_cert_path: strict!.caFile,
    };
    for (const [source, cause] of [
      [sasl('PLAIN', { password: 'not-this-one' }), /[Aa]uthentication failed/],
      [foreign, /certificate verify failed/],
    ] as const) {
      const target = { servers: [server!.brokers] };
      const relay = await RelayProcess.start(
        await relayToml([], '', { topics: { s: 's2' }, sources: [source], target }),
      );
      await until('server and cause', () =>
        relay.lines.some(
          ({ level, broker, err }) => Number(level) === 40 && broker === source.servers[0] && cause.test(String(err)),
        ),
      );
      relay.kill('SIGTERM');
      assert.equal(await relay.exited, 0, relay.output);
      assert.doesNotMatch(JSON.stringify(relay.lines) + relay.output, /not-this-one/);
    }
  });

  test('an unreachable broker, a missing file and a bad key end or go on as they should', async (t) => {
    if (!needs(t)) return;
    const toml = await relayToml(['127.0.0.1:1'], '127.0.0.1:1');
    const bad = await RelayProcess.start(toml.replace('log_level = "debug"', 'log_level = ""'));
    assert.equal(await bad.exited, 1);
    assert.match(bad.output, /relay configuration: app\.log_level must be set/);
    const alone = await RelayProcess.start(toml, ['--topic', 'x:y', '--mode', 'failover']);
    await until('a report', () => alone.line('target not usable') !== undefined);
    alone.kill('SIGTERM');
    assert.equal(await alone.exited, 0);
  });
});
