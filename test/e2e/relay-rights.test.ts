// A relay whose user lacks rights, at the source or at the target: it says where and what, and goes on when it has them. Two clusters with ACLs.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { saslUser, whyNoKafka } from '../support/kafka-server.js';
import { KafkaWire } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { makeTopic, type RealCluster, startClusters, stopClusters } from '../support/relay-clusters.js';
import { fill, numbered, readAll, until, valuesOf } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';

const user = `User:${saslUser.username}`;
const checkpoints = 'rafka-relay-checkpoints';

describe('a relay without rights', { timeout: 300_000 }, () => {
  let clusters: RealCluster[] = [];
  before(async () => {
    if (whyNoKafka()) return;
    const properties = {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    };
    clusters = await startClusters(2, { sasl: true, properties });
  });
  after(() => stopClusters(clusters));

  type Grant = Parameters<KafkaWire['allow']>;
  async function allow({ server }: RealCluster, kind: Grant[1], name: string, ...operations: Grant[3][]) {
    const wire = await KafkaWire.open(server.brokers);
    try {
      for (const operation of operations) await wire.allow(user, kind, name, operation);
    } finally {
      wire.close();
    }
  }

  /** A relay of one topic that holds ten messages. */
  async function relayed(t: TestContext, topic: string) {
    const [source, target] = clusters as [RealCluster, RealCluster];
    for (const { kafka } of [source, target]) await makeTopic(kafka, topic);
    await fill(source.kafka, numbered(topic, 10));
    const login = { session_timeout: '6s', enable_auth: true, sasl_mechanism: 'PLAIN', ...saslUser };
    const at = ({ server }: RealCluster) => ({ servers: [server.saslBrokers], ...login });
    const over = { topics: { [topic]: topic }, sources: [at(source)], target: at(target) };
    const relay = await RelayProcess.start(await relayToml([], '', over));
    t.after(() => relay.kill('SIGKILL'));
    const finish = async () => {
      await until('the messages', async () => valuesOf(await readAll(target.kafka, topic)).length === 10, 60_000);
      relay.kill('SIGTERM');
      assert.equal(await relay.exited, 0, relay.output);
    };
    return { source, target, relay, finish };
  }

  async function allowTarget(target: RealCluster, topic: string): Promise<void> {
    await allow(target, 'topic', topic, 'write', 'describe');
    await allow(target, 'topic', checkpoints, 'read', 'write', 'describe', 'create');
    await allow(target, 'transactionalId', '*', 'write', 'describe');
  }

  test('READ denied at the source: its server and the cause, and on with the right', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const { source, target, relay, finish } = await relayed(t, 'r');
    await allowTarget(target, 'r');
    await allow(source, 'topic', 'r', 'describe');
    const isSaid = () =>
      relay.lines.some(
        ({ level, broker, err }) =>
          Number(level) === 40 && broker === source.server.saslBrokers && /authoriz/i.test(String(err)),
      );
    await until('server and cause', isSaid, 60_000);
    await allow(source, 'topic', 'r', 'read');
    await finish();
  });

  test('READ denied on the checkpoint topic: it is named with the cause, and on with the right', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const [, target] = clusters;
    const { source, finish } = await relayed(t, 'c');
    await allow(source, 'topic', 'c', 'read', 'describe');
    await allowTarget(target!, 'c');
    await finish();
    const wire = await KafkaWire.open(target!.server.brokers);
    t.after(() => wire.close());
    await wire.deny(user, 'topic', checkpoints, 'read');
    const again = await relayed(t, 'd');
    await allow(source, 'topic', 'd', 'read', 'describe');
    await allowTarget(target!, 'd');
    const isNamed = () =>
      again.relay.lines.some(({ err }) => new RegExp(`${checkpoints}.*authoriz`, 'i').test(String(err)));
    await until('the topic and the cause', isNamed, 60_000);
    await wire.undeny(user, 'topic', checkpoints, 'read');
    await again.finish();
  });
});
