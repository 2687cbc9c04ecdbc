// RPUSHX with --shared-producers, which need a delivery report for each message: against one raw producer (R), interleaved.
import { GatewayProcess } from '../support/gateway.js';
import { benchKafka } from './yardsticks/kafka.js';
import { cpuSeconds, median, redisBenchmark, rounds, yardstick } from './yardsticks/run.js';
import { interleaved, row } from './yardsticks/table.js';

const quick = process.argv.includes('--quick');
const requests = quick ? 150_000 : 400_000;
const rpushx = ['RPUSHX', 'topics:bench', 'x'.repeat(100)];
const producers = 2;

const kafka = await benchKafka();
const gateway = await GatewayProcess.start({
  config: { general: { 'bootstrap.servers': kafka.brokers } },
  args: ['--shared-producers', String(producers)],
});
try {
  await redisBenchmark(gateway.port, { requests, pipeline: 64, clients: 4 }, ...rpushx);
  for (const clients of [1, 10]) await compare(clients);
} finally {
  await gateway.stop();
  await kafka.stop();
}

async function compare(clients: number): Promise<void> {
  const [ours, raw, cpu]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    raw.push(await yardstick('raw-produce', kafka.brokers, 'raw', quick ? 150_000 : 300_000));
    const before = cpuSeconds(gateway.pid);
    ours.push(await redisBenchmark(gateway.port, { requests, pipeline: 64, clients }, ...rpushx));
    cpu.push(((cpuSeconds(gateway.pid) - before) / requests) * 1e6);
  }
  const what = `RPUSHX P 64, ${clients} connections, ${producers} shared producers`;
  interleaved({ what, unit: '/s', against: 'R', target: '>= 0.8' }, ours, raw);
  row({ what: `${what}: CPU a message`, ours: median(cpu), unit: ' us' });
}
