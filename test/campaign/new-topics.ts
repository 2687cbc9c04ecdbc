// Topics that their first record makes, with several connections that write at once: what DUMP covered is in Kafka, once.
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import { GatewayProcess } from '../support/gateway.js';
import { KafkaServer } from '../support/kafka-server.js';
import { connect } from '../support/redis-client.js';

const usage = `usage: node build/test/campaign/new-topics.js [--rounds 20] [--topics 4] [--writers 4] [--values 50] [--nodes 1]

Each round starts a cluster and a gateway. Each writer sends its values one by one to a topic that does not exist before, with RPUSHX, and
then DUMP. The topic must have each value once. Run it on a busy machine: the first requests then meet brokers that do not know the
partition yet, above all in the first seconds of a broker.`;

/** How long a topic may take to have all that was confirmed, ms. */
const patienceMs = 10_000;

const options = { rounds: '20', topics: '4', writers: '4', values: '50', nodes: '1' };
const { values: given } = parseArgs({
  options: {
    ...Object.fromEntries(Object.entries(options).map(([name, value]) => [name, { type: 'string', default: value }])),
    help: { type: 'boolean', default: false },
  },
});
if (given.help) {
  console.log(usage);
  process.exit(0);
}
const number = (name: keyof typeof options): number => Number((given as Readonly<Record<string, unknown>>)[name]);

const totals = { confirmed: 0, missing: 0, twice: 0, unconfirmed: 0 };
for (let round = 0; round < number('rounds'); round++) await oneRound();
console.log(totals);
process.exitCode = totals.missing + totals.twice > 0 ? 1 : 0;

async function oneRound(): Promise<void> {
  const kafka = await KafkaServer.start({ nodes: number('nodes') });
  const gateway = await GatewayProcess.start({ config: { general: { 'bootstrap.servers': kafka.brokers } } });
  try {
    for (let index = 0; index < number('topics'); index++) await oneTopic(gateway.port, `made-${index}`);
  } finally {
    await gateway.stop();
    await kafka.stop();
  }
}

async function oneTopic(port: number, topic: string): Promise<void> {
  const writers = await Promise.all(Array.from({ length: number('writers') }, () => connect(port)));
  const sent: string[] = [];
  for (let index = 0; index < number('values'); index++) {
    await Promise.all(
      writers.map((writer, one) => {
        sent.push(`${one}-${index}`);
        return writer.call('RPUSHX', `topics:${topic}`, `${one}-${index}`);
      }),
    );
  }
  let unconfirmed = 0;
  for (const writer of writers) unconfirmed += Number(await writer.call('DUMP', '30000'));
  totals.unconfirmed += unconfirmed;
  totals.confirmed += sent.length - unconfirmed;
  const stored = await valuesOf(writers[0]!, topic, sent.length - unconfirmed);
  const missing = sent.filter((value) => !stored.includes(value));
  totals.missing += Math.max(0, missing.length - unconfirmed);
  totals.twice += stored.length - new Set(stored).size;
  if (missing.length > 0) console.log(`${topic}: missing ${missing.join()}`);
  for (const writer of writers) writer.disconnect();
}

/** The topic's values, as soon as there are so many, or when the patience is over. */
async function valuesOf(client: Redis, topic: string, wanted: number): Promise<string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const entries = (await client.call('XRANGE', topic, '-', '+', 'COUNT', '10000')) as [string, string[]][];
    if (entries.length >= wanted || performance.now() > deadline) return entries.map(([, fields]) => fields[1]!);
  }
}
