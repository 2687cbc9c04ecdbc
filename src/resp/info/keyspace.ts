// The topics of the cluster as Redis keys: `topics:<name>`, without internal ones.

import { globMatcher } from '../../core/access/glob.js';
import { isInternalTopic, isLegalTopicName } from '../../core/topics/topic-name.js';
import { fail } from '../../errors.js';
import type { Context } from '../command/context.js';

const prefix = 'topics:';

/** The topic that a key names; undefined for another kind of key. */
export function topicOfKey(key: string): string | undefined {
  return key.startsWith(prefix) && key.length > prefix.length ? key.slice(prefix.length) : undefined;
}

/** The topic of a key without `topics:`, as streams use; undefined if no topic can have this name. */
export function streamOfKey(key: string): string | undefined {
  return !key.startsWith(prefix) && isLegalTopicName(key) ? key : undefined;
}

/** Every topic that this user may see, as sorted keys. @throws KafkaError if no broker answers. */
export async function topicKeys(ctx: Context): Promise<string[]> {
  const topics = await ctx.server.gateway.catalog.all();
  return visible(ctx, topics)
    .sort()
    .map((name) => prefix + name);
}

/** Their number as far as known without asking Kafka. */
export function knownTopicCount(ctx: Context): number {
  return visible(ctx, ctx.server.gateway.catalog.known()).length;
}

/** The same as stream keys: without `topics:`. @throws KafkaError if no broker answers. */
export async function streamKeys(ctx: Context): Promise<string[]> {
  return (await topicKeys(ctx)).map((key) => key.slice(prefix.length));
}

/** The topic keys that match a pattern; `topics:` alone, as Rafka's clients send it, means all. */
export async function matchingTopicKeys(ctx: Context, pattern: string): Promise<string[]> {
  const keys = await topicKeys(ctx);
  return pattern === prefix ? keys : keys.filter(globMatcher(pattern));
}

/** @throws GatewayError `keys-argument` for a pattern that cannot match any key here. */
export function checkKeysPattern(pattern: string): void {
  if (!pattern.startsWith(prefix) && !/^[*?[\\]/.test(pattern)) throw fail('keys-argument', pattern);
}

/** Whether a key names an existing topic that this user may see. @throws KafkaError if no broker answers. */
export async function isTopicKey(ctx: Context, key: string): Promise<boolean> {
  const topic = topicOfKey(key) ?? streamOfKey(key);
  if (topic === undefined || !ctx.user.maySee(topic)) return false;
  const { allowInternalTopics } = ctx.server.gateway.settings;
  return (allowInternalTopics || !isInternalTopic(topic)) && (await ctx.server.gateway.catalog.all()).has(topic);
}

function visible(ctx: Context, topics: ReadonlyMap<string, unknown>): string[] {
  const { allowInternalTopics } = ctx.server.gateway.settings;
  return [...topics.keys()].filter((name) => (allowInternalTopics || !isInternalTopic(name)) && ctx.user.maySee(name));
}
