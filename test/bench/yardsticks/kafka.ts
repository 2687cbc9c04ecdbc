// The Kafka that a benchmark measures on: one of its own, or the one that `npm run bench` started for all of them.
import { KafkaServer } from '../../support/kafka-server.js';
import { redisBenchmark } from './run.js';

export interface BenchKafka {
  readonly brokers: string;
  stop(): Promise<void>;
}

/** RAFKA_BENCH_BROKERS names a broker that stays when the benchmark ends; without it one is started, and stopped with the benchmark. */
export async function benchKafka(): Promise<BenchKafka> {
  const brokers = process.env.RAFKA_BENCH_BROKERS;
  return brokers === undefined ? KafkaServer.start({ fast: true }) : { brokers, stop: async () => {} };
}

/** A broker that has just started compiles, on a whole core for as long as it is not busy: it is worked first, with small requests and large ones. */
export async function warmUp(gatewayPort: number, isQuick: boolean): Promise<void> {
  const loads = [
    { requests: isQuick ? 20_000 : 200_000, pipeline: 1, clients: 10 },
    { requests: 200_000, pipeline: 64, clients: 1 },
  ];
  for (const load of loads) await redisBenchmark(gatewayPort, load, 'RPUSHX', 'topics:warm-up', 'x'.repeat(100));
}
