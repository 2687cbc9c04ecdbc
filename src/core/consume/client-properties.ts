// Which consumer settings a client may choose with its BLPOP, and within which limits.
import { fail } from '../../errors.js';
import type { Properties } from '../ports.js';

/** Settings that only shape the client's own reading. Everything else (brokers, credentials, plug-ins, ids) is the operator's. */
const allowed = new Set([
  'auto.offset.reset',
  'auto.commit.interval.ms',
  'enable.auto.commit',
  'session.timeout.ms',
  'heartbeat.interval.ms',
  'max.poll.interval.ms',
  'isolation.level',
  'partition.assignment.strategy',
  'group.instance.id',
  'client.rack',
  'check.crcs',
  'log.connection.close',
  'fetch.wait.max.ms',
  'fetch.min.bytes',
  'fetch.max.bytes',
  'fetch.message.max.bytes',
  'max.partition.fetch.bytes',
  'fetch.queue.backoff.ms',
  'queued.min.messages',
  'queued.max.messages.kbytes',
  'enable.partition.eof',
]);

/** Sizes that would let a client take the gateway's memory, with the bytes per unit. */
const sizes = new Map([
  ['fetch.min.bytes', 1],
  ['fetch.max.bytes', 1],
  ['fetch.message.max.bytes', 1],
  ['max.partition.fetch.bytes', 1],
  ['queued.max.messages.kbytes', 1_024],
]);

/** Settings that acknowledgements depend on; a client's other values are overridden. */
const fixed: Properties = {
  'enable.auto.commit': true,
  'enable.auto.offset.store': false,
  'enable.partition.eof': false,
};

export interface ClientProperties {
  readonly properties: Properties;
  /** Keys whose value was corrected or clamped, for one line in the log. */
  readonly corrected: readonly string[];
}

/**
 * Checks and clamps the settings that a client sent.
 * @param consumer `<id>|<topics>` and `client`: for the error text
 * @throws GatewayError `consumer-refused` for a key that only the operator may set.
 */
export function clientProperties(
  wanted: Properties,
  maxBytes: number,
  consumer: string,
  client: string,
): ClientProperties {
  const properties: Record<string, string | number | boolean> = { ...fixed };
  const corrected: string[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    if (!allowed.has(key)) throw fail('consumer-refused', consumer, client, `${key} cannot be set by a client`);
    if (!(key in fixed)) properties[key] = clamp(key, value, maxBytes);
    if (String(properties[key]) !== String(value)) corrected.push(key);
  }
  return { properties, corrected };
}

/** The operator's keys that will be corrected for group members, for one line in the log. */
export function correctedProperties(properties: Properties): string[] {
  return Object.keys(fixed).filter((key) => key in properties && String(properties[key]) !== String(fixed[key]));
}

function clamp(key: string, value: string | number | boolean, maxBytes: number): string | number | boolean {
  const unit = sizes.get(key);
  if (unit === undefined || !Number.isFinite(Number(value)) || typeof value === 'boolean') return value;
  const most = Math.max(1, Math.floor(maxBytes / unit));
  return Number(value) > most ? most : value;
}
