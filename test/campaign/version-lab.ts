// Two brokers of one Kafka version, a gateway with all listeners on the first, and what runs beside it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import type { KafkaFactory } from '../../src/core/ports.js';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { PixyClient } from '../support/pixy-client.js';
import { askUrl, until } from '../support/pixy-lab.js';
import { connect } from '../support/redis-client.js';
import { makeTopic } from '../support/relay-clusters.js';
import { readAll } from '../support/relay-lab.js';
import { RelayProcess, relayToml } from '../support/relay-process.js';
import { risLine } from '../support/ris-lines.js';
import { RisLiveServer } from '../support/ris-live.js';
import type { Lab } from './version-steps.js';
import { VersionedKafka } from './versioned-kafka.js';

const bin = join(import.meta.dirname, '../../../bin/rafka');
const peer = { peer: '192.0.2.1', peer_asn: '64500', path: [64_500], origin: 'IGP' };
const announcements = ['10.0.0.0/8', '11.0.0.0/8', '12.0.0.0/8'].map((prefix) => [
  { next_hop: '192.0.2.1', prefixes: [prefix] },
]);

/** @param libs the version's jars */
export async function openVersionLab(version: string, libs: string): Promise<Lab & { close(): Promise<void> }> {
  const [source, target] = await Promise.all([
    VersionedKafka.start(version, libs),
    VersionedKafka.start(version, libs),
  ]);
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const streams = { plainLists: true, allowDelete: true };
  const config = {
    general: { 'bootstrap.servers': source.brokers },
    consumer: { 'auto.offset.reset': 'earliest' },
    resp: { streams },
    http: { port: httpPort },
    grpc: { port: grpcPort },
    pool: { longPollingTimeoutMs: 3_000, initialOffset: 'oldest' },
  };
  const gateway = await GatewayProcess.start({ config });
  const others: GatewayProcess[] = [];
  const grpc = new PixyClient(`127.0.0.1:${grpcPort}`);
  const connected = () => gateway.lines.find(({ msg }) => msg === 'connected to Kafka');
  await until(connected, (line) => line !== undefined);
  return {
    redis: (name) => connect(gateway.port, name),
    async newProtocol(name) {
      const { general } = config;
      others.push(await GatewayProcess.start({ config: { general, consumer: { 'group.protocol': 'consumer' } } }));
      return connect(others.at(-1)!.port, name);
    },
    rest: (path, ask) => askUrl(`http://127.0.0.1:${httpPort}${path}`, ask),
    grpc,
    greeting: String(connected()?.kafka),
    relay: (topic) => relayed(source, target, topic),
    ris: () => published(source),
    async close() {
      grpc.close();
      for (const each of [gateway, ...others]) await each.stop();
      await Promise.all([source.stop(), target.stop()]);
    },
  };
}

async function withClient<T>({ brokers }: VersionedKafka, use: (kafka: KafkaFactory) => Promise<T>): Promise<T> {
  const log = pino({ level: 'silent' });
  const kafka = await createKafkaFactory({ general: { 'bootstrap.servers': brokers }, log });
  try {
    return await use(kafka);
  } finally {
    await kafka.close();
  }
}

const valuesIn = async (kafka: KafkaFactory, topic: string): Promise<string[]> =>
  (await readAll(kafka, topic)).flat().map(({ value }) => String(value));

/** Runs the relay until it has copied what there is. */
async function relayed(source: VersionedKafka, target: VersionedKafka, topic: string): Promise<string[]> {
  await withClient(target, (kafka) => makeTopic(kafka, topic, 4));
  const toml = await relayToml([source.brokers], target.brokers, { topics: { [topic]: topic } });
  const relay = await RelayProcess.start(toml, ['--stop-at-end']);
  const code = await relay.exited;
  if (code !== 0) throw new Error(`the relay ended with ${code}: ${JSON.stringify(relay.lines.slice(-4))}`);
  return withClient(target, (kafka) => valuesIn(kafka, topic));
}

/** Runs `rafka ris` until three lines are in their topic, or for half a minute. */
async function published(kafka: VersionedKafka): Promise<number> {
  const live = await RisLiveServer.start();
  const args = ['ris', '--host', 'rrc01', '--no-ha', '--brokers', kafka.brokers];
  const env = { ...process.env, RAFKA_RIS_URL: live.url };
  const child: ChildProcess = spawn(bin, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (text) => {
    log += text;
  });
  try {
    await until(
      () => live.subscribers.length,
      (count) => count > 0,
    );
    for (const each of announcements) {
      const now = Date.now();
      const id = `192.0.2.1-${now.toString(16).padStart(12, '0')}0000`;
      live.send('rrc01', risLine({ ...peer, announcements: each }, (now / 1_000).toFixed(3), id));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const topic = 'rrc01.64500.bmp_raw';
    const count = () => withClient(kafka, async (client) => (await valuesIn(client, topic).catch(() => [])).length);
    return await until(count, (records) => records >= announcements.length, 30_000);
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${log.slice(-600)}`);
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
    await live.stop();
  }
}
