// SIGHUP: users, certificates and passwords are read again, and nobody is disconnected for it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { parse } from 'smol-toml';
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import { hashed } from '../support/credentials.js';
import { eventually } from '../support/eventually.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { met, whyNoCommand } from '../support/needs.js';
import { connect } from '../support/redis-client.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { fill, numbered, readAll } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';
import { Generator, RisLiveServer } from '../support/ris-live.js';

const dir = mkdtempSync(join(tmpdir(), 'rafka-reload-'));
after(() => rmSync(dir, { recursive: true }));

/** As a secrets store does it: the new file takes the old one's place. */
function put(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}

function certificate(name: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${name}`];
  execFileSync('openssl', [...args, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
  return { certFile, keyFile };
}

/** The name in the certificate that a server shows. */
async function shown(port: number): Promise<string | undefined> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return String(socket.getPeerCertificate().subject.CN);
  } finally {
    socket.destroy();
  }
}

/** Tells it to read its files again, and waits until it has. @returns what it said */
async function reload(gateway: GatewayProcess): Promise<string> {
  const from = gateway.lines.length;
  const said = () => gateway.lines.slice(from).find(({ msg }) => msg.startsWith('reload'))?.msg;
  gateway.signal('SIGHUP');
  await eventually(15_000, said);
  return said()!;
}

const users = (...entries: readonly object[]) => JSON.stringify(entries);
const anna = { name: 'anna', password: hashed('one'), produce: ['a'], consume: ['*'], groups: ['*'] };

for (const workers of [1, 2]) {
  test(`users and certificates, ${workers} process(es)`, async (t) => {
    if (!met(t, whyNoCommand('openssl'))) return;
    const httpPort = await freePort();
    const usersFile = put('users.json', users(anna));
    const tls = certificate('first');
    const gateway = await GatewayProcess.start({
      args: ['--workers', String(workers)],
      config: { embedded: true, resp: { usersFile }, http: { port: httpPort, tls } },
    });
    const client = await connect(gateway.port, undefined, { username: 'anna', password: 'one' });
    try {
      await assert.rejects(client.call('RPUSHX', 'topics:b', 'x') as Promise<unknown>, /NOPERM/);
      assert.equal(await shown(httpPort), 'first');
      put('users.json', users({ ...anna, password: hashed('two'), produce: ['b'] }));
      certificate('second');
      assert.match(await reload(gateway), /^reload: users, certificates and logins are as in their files now/);
      // The connection that was open has the new rights.
      assert.equal(await client.call('RPUSHX', 'topics:b', 'x'), 1);
      await assert.rejects(client.call('RPUSHX', 'topics:a', 'x') as Promise<unknown>, /NOPERM/);
      await assert.rejects(client.call('AUTH', 'anna', 'one') as Promise<unknown>, /WRONGPASS/);
      (await connect(gateway.port, undefined, { username: 'anna', password: 'two' })).disconnect();
      assert.equal(await shown(httpPort), 'second');
      put('users.json', '[');
      assert.equal(await reload(gateway), 'reload: what could not be used stays as it was');
      assert.equal(await client.call('RPUSHX', 'topics:b', 'x'), 1);
    } finally {
      client.disconnect();
      await gateway.stop();
    }
  });
}

describe('the password at Kafka', () => {
  const plain = (password: string) => ({
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${saslUser.username}="${password}";`,
  });

  test('one that has changed: clients that are open log in with it, and so do new ones', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const kafka = await KafkaServer.start({ sasl: true });
    const password = put('sasl', `${saslUser.password}\n`);
    const gateway = await GatewayProcess.start({
      config: {
        general: {
          'bootstrap.servers': kafka.saslBrokers,
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': 'PLAIN',
          'sasl.username': saslUser.username,
        },
      },
      env: { RAFKA_GENERAL_SASL_PASSWORD_FILE: password },
    });
    const open = await connect(gateway.port);
    try {
      assert.equal(await open.call('RPUSHX', 'topics:t', 'before'), 1);
      assert.equal(await open.call('DUMP', '15000'), 0);
      put('sasl', 'another-secret');
      assert.match(await reload(gateway), /^reload: users, certificates and logins/);
      await kafka.restart(0, plain('another-secret'));
      assert.equal(await open.call('RPUSHX', 'topics:t', 'after'), 1);
      assert.equal(await open.call('DUMP', '30000'), 0);
      const late = await connect(gateway.port);
      assert.equal(await late.call('RPUSHX', 'topics:t', 'late'), 1);
      assert.equal(await late.call('DUMP', '15000'), 0);
      late.disconnect();
      assert.ok(!JSON.stringify(gateway.lines).includes('another-secret'));
    } finally {
      open.disconnect();
      await gateway.stop();
      await kafka.stop();
    }
  });

  /** A Kafka and somebody who needs no password there. */
  async function cluster(t: TestContext) {
    const kafka = await KafkaServer.start({ sasl: true });
    const admin = await openKafka(kafka.brokers);
    t.after(async () => {
      await admin.close();
      await kafka.stop();
    });
    return { kafka, admin };
  }

  /** Messages of a topic; 0 as long as a broker that has just started cannot say. */
  async function found(admin: KafkaFactory, topic: string, which: (message: Message) => boolean = () => true) {
    const all = await readAll(admin, topic).catch(() => []);
    return all.flat().filter(which).length;
  }

  /** Changes the password: in the file first, then, once it was read again, at the broker. */
  async function change(kafka: KafkaServer, program: RelayProcess): Promise<void> {
    put('sasl', 'another-secret');
    program.kill('SIGHUP');
    await eventually(60_000, () => program.line('reload: users, certificates and logins'));
    await kafka.restart(0, plain('another-secret'));
  }

  test('of the clusters of a relay within a gateway: it copies on', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { kafka, admin } = await cluster(t);
    for (const topic of ['a', 'b']) await makeTopic(admin, topic);
    const passwordFile = put('sasl', saslUser.password);
    const login = { servers: [kafka.saslBrokers], session_timeout: '6s', enable_auth: true, sasl_mechanism: 'PLAIN' };
    const user = { ...login, username: saslUser.username, password_file: passwordFile };
    const relay = parse(await relayToml([], '', { topics: { a: 'b' }, sources: [user], target: user }));
    const config = put('relay.json', JSON.stringify({ general: { 'bootstrap.servers': kafka.brokers }, relay }));
    const gateway = RelayProcess.gateway(['-c', config, '--port', '0']);
    t.after(() => gateway.kill('SIGKILL'));
    const copied = () => found(admin, 'b');
    await fill(admin, numbered('a', 10));
    await eventually(60_000, async () => (await copied()) === 10);
    await change(kafka, gateway);
    await fill(admin, numbered('a', 10, { from: 10 }));
    await eventually(60_000, async () => (await copied()) === 20);
    assert.ok(!JSON.stringify(gateway.lines).includes('another-secret'));
  });

  test('of rafka ris: it publishes on', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { kafka, admin } = await cluster(t);
    const live = await RisLiveServer.start();
    t.after(() => live.stop());
    const general = {
      'bootstrap.servers': kafka.saslBrokers,
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.username': saslUser.username,
      'sasl.passwordFile': put('sasl', saslUser.password),
    };
    const ris = { host: 'rrc13', url: live.url, ha: false };
    const worker = RelayProcess.gateway(['ris', '-c', put('ris.json', JSON.stringify({ general, ris }))]);
    t.after(() => worker.kill('SIGKILL'));
    const generator = new Generator({ host: 'rrc13', peers: 1, rate: 1 });
    const isUpdate = ({ value }: Message) => value?.[5] === 0;
    const published = () => found(admin, 'rrc13.64512.bmp_raw', isUpdate);
    await eventually(60_000, () => live.subscribers.length > 0);
    live.send('rrc13', generator.next(Date.now()).line);
    await eventually(60_000, async () => (await published()) === 1);
    await change(kafka, worker);
    live.send('rrc13', generator.next(Date.now()).line);
    await eventually(60_000, async () => (await published()) === 2);
  });
});
