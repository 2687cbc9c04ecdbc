// The gateway's ledger: ids go through RPUSHX + DUMP and BLPOP + acks while the gateway is killed and stopped, the broker restarted and
// consumers come and go; then the books must balance. Run: node build/test/campaign/ledger.js [--ids 100000] [--kills 10] ...
// More trouble: --nodes 3 --reset latest --grow 2 --recreate 2 --cut 2
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { readTopic } from './ledger-audit.js';
import { RemadeLedger } from './ledger-remade.js';
import { firstPartitions, flushMs, Ledger, topic } from './ledger-traffic.js';

export interface LedgerOptions {
  readonly ids: number;
  readonly kills: number;
  readonly terms: number;
  readonly brokerRestarts: number;
  readonly writers: number;
  readonly consumers: number;
  /** Between two events, ms. */
  readonly pauseMs: number;
  readonly say: (text: string) => void;
  /** Brokers, 1 unless given; three keep each partition three times, two of them in sync, and are restarted in turn. */
  readonly nodes?: number;
  /** `latest`: the group has been answered nil before the first id is produced, and its consumers break without QUIT. */
  readonly reset?: 'earliest' | 'latest';
  /** How often partitions are added to the topic. */
  readonly grow?: number;
  /** How often a second topic is deleted and made again while its group reads. */
  readonly recreate?: number;
  /** How often the writers' sockets are cut while the brokers stand still. */
  readonly cut?: number;
}

export interface LedgerResult {
  readonly produced: number;
  /** Ids that a DUMP 0 covered. */
  readonly covered: number;
  /** Covered, but not in the topic. Must be 0. */
  readonly missing: number;
  /** Covered, but never delivered to a consumer. Must be 0. */
  readonly undelivered: number;
  /** In the topic more than once. */
  readonly stored_twice: number;
  /** Keys whose ids stand out of order in the topic. Must be 0. */
  readonly disordered_in_topic: number;
  /** Deliveries out of order within one connection. Must be 0. */
  readonly disordered_deliveries: number;
  /** Delivered again although acked longer than the commit interval before the connection ended. Must be 0. */
  readonly redelivered_after_ack: number;
  /** Delivered again for want of an ack, or acked within the commit interval before a kill. */
  readonly redelivered: number;
  readonly deliveries: number;
  /** Ids that a cut connection had taken, and that a DUMP 0 of the writer's next one covered. */
  readonly covered_after_cut: number;
  /** The same that a DUMP counted as lost, or may have. */
  readonly told_after_cut: number;
  /** Lost with a cut connection beyond what DUMP counted. Must be 0. */
  readonly untold_after_cut: number;
  readonly partitions_added: number;
  /** How often the second topic was made. */
  readonly generations: number;
  readonly generations_covered: number;
  /** Of each generation covered, but not in its topic. Must be 0. */
  readonly generations_missing: number;
  /** Of each generation covered, but never delivered. Must be 0. */
  readonly generations_undelivered: number;
  readonly seconds: number;
}

/** Runs it on a Kafka and a gateway of its own. */
export async function runLedger(options: LedgerOptions): Promise<LedgerResult> {
  const startedAt = Date.now();
  const { nodes = 1, reset = 'earliest', grow = 0, recreate = 0, cut = 0, say } = options;
  const server = await KafkaServer.start({ nodes });
  const kafka = await openKafka(server.brokers);
  const gateway = await GatewayProcess.start({
    config: {
      general: { 'bootstrap.servers': server.brokers },
      consumer: { 'auto.offset.reset': reset, 'session.timeout.ms': 6_000 },
      ...(cut > 0 ? { resp: { producerFlushMs: flushMs } } : {}),
    },
  });
  const { port } = gateway;
  const remade = recreate > 0 ? new RemadeLedger({ port, admin: kafka.admin, say }) : undefined;
  try {
    if (reset === 'latest' || grow > 0) await makeTopic(kafka, topic, firstPartitions);
    await remade?.begin();
    const ledger = new Ledger(options, { server, kafka, gateway, remade });
    await ledger.run();
    const { covered, deliveries, told, unsure } = ledger;
    const stored = await readTopic({ port, topic, covered, unordered: unsure });
    const missing = [...covered].filter((id) => !stored.counts.has(id));
    const undelivered = [...covered].filter((id) => !deliveries.has(id));
    const after = ledger.redeliveredAfterAck();
    const result = {
      produced: ledger.produced,
      covered: covered.size,
      missing: missing.length,
      undelivered: undelivered.length,
      stored_twice: [...stored.counts.values()].filter((count) => count > 1).length,
      disordered_in_topic: stored.disordered,
      disordered_deliveries: ledger.disordered,
      redelivered_after_ack: after,
      redelivered: ledger.deliveryCount - deliveries.size - after,
      deliveries: ledger.deliveryCount,
      covered_after_cut: ledger.coveredAfterCut,
      told_after_cut: told.reduce((sum, { ids }) => sum + ids.length, 0),
      untold_after_cut: told.reduce(
        (sum, { ids, left }) => sum + Math.max(0, ids.filter((id) => !stored.counts.has(id)).length - left),
        0,
      ),
      partitions_added: ledger.partitionsAdded,
      generations: remade?.generations ?? 0,
      generations_covered: remade?.covered.size ?? 0,
      generations_missing: remade?.missing ?? 0,
      generations_undelivered: remade?.undelivered.length ?? 0,
      seconds: Math.round((Date.now() - startedAt) / 1_000),
    };
    if (Object.keys(failures(result)).length > 0) {
      const file = join(mkdtempSync(join(tmpdir(), 'rafka-ledger-')), 'evidence.json');
      const ids = { missing, undelivered, ofGenerations: remade?.undelivered, told };
      const books = { deliveries: [...deliveries], stored: [...stored.counts], log: gateway.lines };
      writeFileSync(file, JSON.stringify({ result, ...ids, ...books }));
      say(`ids, deliveries and the gateway's log: ${file}`);
    }
    return result;
  } finally {
    await remade?.end();
    await gateway.stop();
    await kafka.close();
    await server.stop();
  }
}

/** What must be 0 for the books to balance. */
export const failures = (result: LedgerResult): Partial<LedgerResult> =>
  Object.fromEntries(
    (
      [
        'missing',
        'undelivered',
        'disordered_in_topic',
        'disordered_deliveries',
        'redelivered_after_ack',
        'untold_after_cut',
        'generations_missing',
        'generations_undelivered',
      ] as const
    ).flatMap((name) => (result[name] === 0 ? [] : [[name, result[name]]])),
  );

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      ids: { type: 'string', default: '100000' },
      kills: { type: 'string', default: '10' },
      terms: { type: 'string', default: '10' },
      'broker-restarts': { type: 'string', default: '5' },
      'pause-ms': { type: 'string', default: '6000' },
      nodes: { type: 'string', default: '1' },
      reset: { type: 'string', default: 'earliest' },
      grow: { type: 'string', default: '0' },
      recreate: { type: 'string', default: '0' },
      cut: { type: 'string', default: '0' },
    },
  });
  if (values.reset !== 'earliest' && values.reset !== 'latest') throw new Error('--reset earliest|latest');
  const result = await runLedger({
    ids: Number(values.ids),
    kills: Number(values.kills),
    terms: Number(values.terms),
    brokerRestarts: Number(values['broker-restarts']),
    writers: 4,
    consumers: 3,
    pauseMs: Number(values['pause-ms']),
    nodes: Number(values.nodes),
    reset: values.reset,
    grow: Number(values.grow),
    recreate: Number(values.recreate),
    cut: Number(values.cut),
    say: (text) => console.error(text),
  });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = Object.keys(failures(result)).length === 0 ? 0 : 1;
}
