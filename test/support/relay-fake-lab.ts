// A relay's clusters in memory: topic `a` in every source, topic `b` in the target.
import { FakeKafka } from './fake-kafka.js';
import { ended, readAll, relayConfig, startRelay, valuesOf } from './relay-lab.js';

export function fakeLab(partitions = 1, sources = 1) {
  const made = Array.from({ length: sources }, () => new FakeKafka({ autoCreatePartitions: 0 }));
  const target = new FakeKafka({ autoCreatePartitions: 0 });
  for (const kafka of made) kafka.createTopic('a', partitions);
  target.createTopic('b', partitions);
  const source = made[0]!;
  const run = async (over: Record<string, unknown> = {}, flags = {}) =>
    startRelay({ sources: made, target }, await relayConfig(over, flags));
  const once = async (over: Record<string, unknown> = {}, flags = {}) => {
    const started = await run(over, { stopAtEnd: true, ...flags });
    const outcome = await ended(started, 20_000);
    const undelivered = await started.stop();
    return { ...outcome, undelivered, text: JSON.stringify(started.lines.filter(({ level }) => Number(level) >= 40)) };
  };
  const copied = async () => valuesOf(await readAll(target, 'b'));
  return { sources: made, source, target, run, once, copied };
}
