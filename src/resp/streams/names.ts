// Maps stream keys to topics.
import { isInternalTopic } from '../../core/topics/topic-name.js';
import { fail } from '../../errors.js';
import type { StreamsConfig } from '../streams-config.js';

const prefix = 'topics:';
const illegal = /[^A-Za-z0-9._-]/;

/** The settings for names. */
export interface NameSettings {
  readonly streams: Pick<StreamsConfig, 'colonAs'>;
  readonly allowInternalTopics: boolean;
}

/**
 * The topic of a stream: `orders` and `topics:orders` are the same.
 * @throws GatewayError `stream-name`, with the character that a topic cannot have.
 */
export function topicOf(key: Buffer, { streams: { colonAs }, allowInternalTopics }: NameSettings): string {
  const text = key.toString();
  const plain = text.startsWith(prefix) ? text.slice(prefix.length) : text;
  const topic = colonAs === '' ? plain : plain.replaceAll(':', colonAs);
  const wrong = illegal.exec(topic)?.[0];
  if (wrong !== undefined) throw fail('stream-name', text, `it holds ${JSON.stringify(wrong)}`);
  if (topic.length === 0 || topic.length > 249) throw fail('stream-name', text, 'a topic has 1 to 249 characters');
  if (topic === '.' || topic === '..') throw fail('stream-name', text, 'no topic can be called so');
  if (isInternalTopic(topic) && !allowInternalTopics)
    throw fail('stream-name', text, 'names that begin with __ are internal');
  return topic;
}
