// Keys that name topics: `topics:<t>[,<t>...][:<JSON>]` when consuming, `topics:<t>[:<key>]` when producing.
import type { Properties } from '../../core/ports.js';
import { checkTopicName } from '../../core/topics/topic-name.js';
import { fail } from '../../errors.js';

export interface ConsumeKey {
  readonly topics: readonly string[];
  readonly properties: Properties;
}

export interface ProduceKey {
  readonly topic: string;
  readonly key: Buffer | null;
}

const prefix = 'topics:';
/** Maximum topics of one consumer: each adds to every request, here and in the brokers, while it is open. */
const mostTopics = 1_000;
const colon = 0x3a;

/**
 * Reads the keys of one BLPOP; several keys mean all their topics, in order and each once.
 * @throws GatewayError `topics-unparsable`, `config-unparsable`, `topic-invalid`, `topic-internal`, `too-many-topics`.
 */
export function parseConsumeKeys(keys: readonly Buffer[], allowInternal: boolean): ConsumeKey {
  if (keys.length === 1) return parseConsumeKey(keys[0]!.toString(), allowInternal);
  const topics = new Set<string>();
  const properties: Record<string, Properties[string]> = {};
  for (const key of keys) {
    const parsed = parseConsumeKey(key.toString(), allowInternal);
    for (const topic of parsed.topics) topics.add(topic);
    checkCount(topics.size);
    Object.assign(properties, parsed.properties);
  }
  return { topics: [...topics], properties };
}

function checkCount(topics: number): void {
  if (topics > mostTopics) throw fail('too-many-topics', mostTopics, topics);
}

function parseConsumeKey(text: string, allowInternal: boolean): ConsumeKey {
  if (!text.startsWith(prefix)) throw fail('topics-unparsable', text);
  const end = text.indexOf(':', prefix.length);
  const list = end < 0 ? text.slice(prefix.length) : text.slice(prefix.length, end);
  const config = end < 0 ? '' : text.slice(end + 1);
  if (list === '') throw fail('topics-unparsable', text);
  const topics = list.includes(',') ? [...new Set(list.split(','))] : [list];
  checkCount(topics.length);
  for (const topic of topics) checkTopicName(topic, allowInternal);
  return { topics, properties: config === '' ? {} : parseProperties(config, text) };
}

function parseProperties(config: string, argument: string): Properties {
  let value: unknown;
  try {
    value = JSON.parse(config);
  } catch (error) {
    throw fail('config-unparsable', argument, (error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail('config-unparsable', argument, 'a JSON object is expected');
  }
  for (const [key, setting] of Object.entries(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof setting)) {
      throw fail('config-unparsable', argument, `${key} must be a string, a number or a boolean`);
    }
  }
  return value as Properties;
}

/** Whether a key has the form that produces. Rafka's clients send `topic:` as well as `topics:`. */
export function isProduceKey(bytes: Buffer): boolean {
  return produceStart(bytes) > 0;
}

/**
 * Reads the key of one RPUSHX. The record's key is everything after the second colon, any bytes; none: no key.
 * @throws GatewayError `produce-shape`.
 */
export function parseProduceKey(bytes: Buffer): ProduceKey {
  const start = produceStart(bytes);
  const end = bytes.indexOf(colon, start);
  const stop = end < 0 ? bytes.length : end;
  if (start === 0 || stop === start) throw fail('produce-shape');
  return { topic: bytes.toString('latin1', start, stop), key: end < 0 ? null : bytes.subarray(end + 1) };
}

/** Where the topic begins; 0 if the key has another form. */
function produceStart(bytes: Buffer): number {
  if (bytes[6] === colon && bytes.toString('latin1', 0, 6) === 'topics') return 7;
  if (bytes[5] === colon && bytes.toString('latin1', 0, 5) === 'topic') return 6;
  return 0;
}
