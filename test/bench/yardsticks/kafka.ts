// The Kafka that a benchmark measures on: one of its own, or the one that `npm run bench` started for all of them.
import { KafkaServer } from '../../support/kafka-server.js';

export interface BenchKafka {
  readonly brokers: string;
  stop(): Promise<void>;
}

/** RAFKA_BENCH_BROKERS names a broker that stays when the benchmark ends; without it one is started, and stopped with the benchmark. */
export async function benchKafka(): Promise<BenchKafka> {
  const brokers = process.env.RAFKA_BENCH_BROKERS;
  return brokers === undefined ? KafkaServer.start({ fast: true }) : { brokers, stop: async () => {} };
}
