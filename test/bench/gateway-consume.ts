// BLPOP through the gateway on a real Kafka: against a bare Node server (E) and raw consuming (C), interleaved.
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { createLog } from '../../src/log.js';
import { GatewayProcess } from '../support/gateway.js';
import { benchKafka } from './yardsticks/kafka.js';
import { bareServer, median, redisBenchmark, rounds, yardstick } from './yardsticks/run.js';
import { interleaved } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const kafka = await benchKafka();
const factory = await createKafkaFactory({
  general: { 'bootstrap.servers': kafka.brokers },
  log: createLog({ level: 'silent', pretty: false }),
});
const gateway = await GatewayProcess.start({
  config: { general: { 'bootstrap.servers': kafka.brokers }, consumer: { 'auto.offset.reset': 'earliest' } },
});
const bare = await bareServer();
const filled = quick ? 120_000 : 600_000;

try {
  const [one, twelve] = [await fill(1), await fill(12)];
  const few = quick ? 5_000 : 60_000;
  const against = {
    E: () => yardstick('client', bare.port, 'ping', '', few, 1),
    C: () => yardstick('raw-consume', kafka.brokers, one, filled),
  };
  const alone = await compare('BLPOP one at a time', 'E', '>= 0.8', few, 'pop', one, against.E);
  await compare('BLPOP and an ack after each', 'E', '>= 0.4', few, 'pop-ack', one, against.E);
  await compare('BLPOP by 64 and one RPUSH acks of 64', 'C', '>= 0.5', filled - 64_000, 'pop-64', one, against.C);
  const ten: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    ten.push(await yardstick('client', gateway.port, 'pop', twelve, few * 2, 10));
  interleaved(
    {
      what: 'BLPOP one at a time, 10 consumers on 12 partitions',
      unit: '/s',
      against: '1 consumer',
      target: '>= 1.5',
    },
    ten,
    ten.map(() => median(alone)),
  );
} finally {
  bare.stop();
  await factory.close();
  await gateway.stop();
  await kafka.stop();
}

async function compare(
  what: string,
  against: string,
  target: string,
  messages: number,
  way: string,
  topic: string,
  floor: () => Promise<number>,
): Promise<number[]> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    theirs.push(await floor());
    ours.push(await yardstick('client', gateway.port, way, topic, messages, 1));
  }
  interleaved({ what, unit: '/s', against, target }, ours, theirs);
  return ours;
}

/** A topic with messages of 100 bytes. */
async function fill(partitions: number): Promise<string> {
  const topic = `consume${partitions}-${process.pid}`;
  await factory.admin.createTopic({ name: topic, partitions });
  const load = { requests: filled, pipeline: 64, clients: 4 };
  await redisBenchmark(gateway.port, load, 'RPUSHX', `topics:${topic}`, 'x'.repeat(100));
  return topic;
}
