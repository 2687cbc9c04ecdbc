// The topic map: source topic to target topic, and optionally one partition of it.
import { fail } from '../../errors.js';

/** One line of the topic map. */
export interface Mapping {
  readonly source: string;
  readonly target: string;
  /** All messages go to this target partition; absent: to the same partition as in the source. */
  readonly pin?: number;
}

/** A mapping's name in logs and summaries. */
export const mappingName = (mapping: Mapping): string =>
  `${mapping.source} -> ${mapping.target}${mapping.pin === undefined ? '' : `:${mapping.pin}`}`;

/** The value of a `[topics]` entry: `target`, or `target:partition`. Two or more colons belong to the name. @throws GatewayError */
export function parseTarget(source: string, value: string): Mapping {
  const parts = value.split(':');
  if (parts.length !== 2) return { source, target: value };
  return { source, target: parts[0]!, pin: parsePin(value, parts[1]!) };
}

/** A `--topic` flag: `source:target` or `source:target:partition`. @throws GatewayError */
export function parseTopicFlag(flag: string): Mapping {
  const [source, target, pin, ...rest] = flag.split(':');
  if (!source || !target || rest.length > 0) {
    throw fail('relay-config', `--topic '${flag}': write source:target or source:target:partition`);
  }
  return pin === undefined ? { source, target } : { source, target, pin: parsePin(flag, pin) };
}

/**
 * The `topics` table of a file (or several, `[[topics]]`), then the flags, which replace the entry of the same source topic.
 * An unquoted name with dots arrives as nested tables and is reassembled.
 */
export function buildTopicMap(topics: unknown, flags: readonly string[]): Mapping[] {
  const bySource = new Map<string, Mapping>();
  for (const table of Array.isArray(topics) ? topics : [topics ?? {}]) {
    for (const [source, value] of flatten(table, '')) bySource.set(source, parseTarget(source, value));
  }
  for (const mapping of flags.map(parseTopicFlag)) bySource.set(mapping.source, mapping);
  for (const mapping of bySource.values()) checkNames(mapping);
  return [...bySource.values()];
}

function* flatten(table: unknown, prefix: string): Generator<[string, string]> {
  if (typeof table !== 'object' || table === null || Array.isArray(table)) {
    throw fail('relay-config', `topics${prefix ? `.${prefix}` : ''}: expected "target" or "target:partition"`);
  }
  for (const [key, value] of Object.entries(table)) {
    const name = prefix ? `${prefix}.${key}` : key;
    if (typeof value === 'string') yield [name, value];
    else yield* flatten(value, name);
  }
}

function parsePin(where: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw fail('relay-config', `'${where}': '${text}' is not a partition number`);
  return Number(text);
}

/** Kafka's own rule for topic names. */
function checkNames(mapping: Mapping): void {
  for (const name of [mapping.source, mapping.target]) {
    if (!/^[A-Za-z0-9._-]{1,249}$/.test(name) || name === '.' || name === '..') {
      throw fail('relay-config', `'${name}' is not a topic name (1 to 249 of A-Z a-z 0-9 . _ -)`);
    }
  }
}
