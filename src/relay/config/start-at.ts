// --start-at: where a partition is gone on with, given by hand after its record of progress was lost.
import { fail } from '../../errors.js';
import type { Mapping } from './topic-map.js';

/** Next offset by source partition, by source topic. */
export type StartAt = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** `topic:partition:offset` each. @throws GatewayError `relay-config` */
export function startAtOf(flags: readonly string[], topics: readonly Mapping[]): StartAt {
  const found = new Map<string, Map<number, number>>();
  for (const flag of flags) {
    const parts = /^([^:]+):(\d{1,9}):(\d{1,15})$/.exec(flag);
    if (!parts) throw fail('relay-config', `--start-at '${flag}': write topic:partition:offset`);
    const [, topic, partition, offset] = parts as unknown as [string, string, string, string];
    if (!topics.some(({ source }) => source === topic))
      throw fail('relay-config', `--start-at ${flag}: no such source topic in the topic map`);
    const places = found.get(topic) ?? new Map<number, number>();
    found.set(topic, places.set(Number(partition), Number(offset)));
  }
  return found;
}
