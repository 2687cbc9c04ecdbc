// `rafka check` and `rafka health` as an operator runs them: against a real Kafka with logins and TLS, and a gateway.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hashed } from '../support/credentials.js';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';

const bin = join(import.meta.dirname, '../../../bin/rafka');

interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Runs the program to its end. */
function rafka(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(bin, args, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

test('health: a gateway that runs, with the configuration that it runs with; and one that does not', async () => {
  const gateway = await GatewayProcess.start({ args: ['--requirepass', 'geheim'] });
  const flags = ['--job', 'gateway', '--port', String(gateway.port)];
  try {
    const knowing = await rafka('health', ...flags, '--requirepass', 'geheim');
    assert.deepEqual(knowing, { code: 0, output: `ok: gateway: 127.0.0.1:${gateway.port} answers PING\n` });
    const asked = await rafka('health', ...flags);
    assert.equal(asked.code, 0);
    assert.match(asked.output, /answers, and asks for a password/);
  } finally {
    await gateway.stop();
  }
  const gone = await rafka('health', ...flags);
  assert.equal(gone.code, 1);
  assert.match(gone.output, /^FAIL: gateway: 127\.0\.0\.1:\d+ refuses the connection/);
});

describe('check', () => {
  let kafka: KafkaServer | undefined;
  const dir = mkdtempSync(join(tmpdir(), 'rafka-check-'));
  before(async () => {
    if (whyNoKafka() === undefined) kafka = await KafkaServer.start({ sasl: true, tls: true });
  });
  after(async () => {
    await kafka?.stop();
    rmSync(dir, { recursive: true });
  });

  const file = (name: string, content: object): string => {
    writeFileSync(join(dir, name), JSON.stringify(content));
    return join(dir, name);
  };
  const login = (password: string) => ({
    'bootstrap.servers': kafka!.saslBrokers,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': saslUser.username,
    'sasl.password': password,
  });

  test('what is right is named, and the exit code is 0', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const usersFile = file('users.json', [{ name: 'anna', password: hashed('x'), produce: ['*'] }]);
    const good = file('good.json', {
      general: login(saslUser.password),
      clusters: {
        second: {
          general: {
            'bootstrap.servers': kafka!.tlsBrokers,
            'security.protocol': 'SSL',
            'ssl.ca.location': kafka!.caFile,
          },
        },
      },
      resp: { port: 0, usersFile },
    });
    const { code, output } = await rafka('check', '--config', good);
    assert.equal(code, 0, output);
    for (const line of [
      /^ok +configuration +is valid$/m,
      /^ok +users +1 \(.*users\.json\): anna$/m,
      /^ok +Kafka client +sasl_plaintext \(PLAIN\): connected$/m,
      /^ok +Kafka cluster +1 brokers, \d+ topics/m,
      /^warn +Kafka second authorities +.*ca\.pem: CN=Test CA, valid until .*that is soon$/m,
      /^ok +Kafka second client +ssl: connected$/m,
      /^0 wrong, 1 to look at, \d+ right$/m,
    ])
      assert.match(output, line);
    assert.ok(!output.includes(saslUser.password));
  });

  test('each thing that is wrong has its own line with its cause', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const bad = file('bad.json', {
      general: login('wrong'),
      clusters: { second: { general: { 'bootstrap.servers': kafka!.tlsBrokers, 'security.protocol': 'SSL' } } },
      resp: {
        port: 0,
        usersFile: join(dir, 'nosuch.json'),
        tls: { certFile: kafka!.caFile, keyFile: join(dir, 'nosuch.key') },
      },
      ris: { host: 'rrc00', redis: 'redis://:pw@127.0.0.1:1' },
    });
    const { code, output } = await rafka('check', '--config', bad);
    assert.equal(code, 1, output);
    for (const line of [
      /^FAIL +users +.*nosuch\.json/m,
      /^FAIL +resp TLS key +.*nosuch\.key: does not exist$/m,
      /^FAIL +Kafka client +.*[Aa]uthentication/m,
      /^FAIL +Kafka second client +.*certificate/m,
      /^FAIL +Redis +redis:\/\/\*\*\*@127\.0\.0\.1:1: .*ECONNREFUSED/m,
    ])
      assert.match(output, line);
  });

  test('a relay: its sources and its target', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { relayToml } = await import('../support/relay-process.js');
    const toml = join(dir, 'relay.toml');
    writeFileSync(toml, await relayToml([kafka!.brokers, '127.0.0.1:1'], kafka!.brokers));
    const { code, output } = await rafka('check', '--config', toml);
    assert.equal(code, 1, output);
    assert.match(output, /^ok +target client +plaintext: connected$/m);
    assert.match(output, /^ok +source 0 client +plaintext: connected$/m);
    assert.match(output, /^FAIL +source 1 client +.*[Cc]onnect/m);
  });

  test('a key that nobody knows', async () => {
    const { code, output } = await rafka('check', '--config', file('typo.json', { resp: { prot: 1 } }));
    assert.equal(code, 1);
    assert.match(output, /^FAIL +configuration +.*unknown key resp\.prot: did you mean resp\.port\?$/m);
  });
});
