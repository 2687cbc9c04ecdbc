// The topics of the cluster as Redis keys: `topics:<name>`, internal ones left out.

import { globMatcher } from '../../core/access/glob.js';
import { isInternalTopic, isLegalTopicName } from '../../core/topics/topic-name.js';
import { fail } from '../../errors.js';
import type { Context } from '../command/context.js';

const prefix = 'topics:';

/** The topic that a key names; undefined for a key of another kind. */
export function topicOfKey(key: string): string | undefined {
  return key.startsWith(prefix) && key.length > prefix.length ? key.slice(prefix.length) : undefined;
}

/** The topic that a key without `topics:` names, as a stream does; undefined when no topic can be called so. */
export function streamOfKey(key: string): string | undefined {
  return !key.startsWith(prefix) && isLegalTopicName(key) ? key : undefined;
}

/** Every topic that this user may see, as sorted keys. @throws KafkaError when no broker answers. */
export async function topicKeys(ctx: Context): Promise<string[]> {
  const topics = await ctx.server.gateway.catalog.all();
  return visible(ctx, topics)
    .sort()
    .map((name) => prefix + name);
}

/** How many they are as far as is known without asking Kafka. */
export function knownTopicCount(ctx: Context): number {
  return visible(ctx, ctx.server.gateway.catalog.known()).length;
}

/** The same as keys of streams: without `topics:`. @throws KafkaError when no broker answers. */
export async function streamKeys(ctx: Context): Promise<string[]> {
  return (await topicKeys(ctx)).map((key) => key.slice(prefix.length));
}

/** The topic keys that a pattern matches; `topics:` alone, as Rafka's clients ask, means all. */
export async function matchingTopicKeys(ctx: Context, pattern: string): Promise<string[]> {
  const keys = await topicKeys(ctx);
  return pattern === prefix ? keys : keys.filter(globMatcher(pattern));
}

/** @throws GatewayError `keys-argument` for a pattern that can match no key of ours. */
export function checkKeysPattern(pattern: string): void {
  if (!pattern.startsWith(prefix) && !/^[*?[\\]/.test(pattern)) throw fail('keys-argument', pattern);
}

/** Whether a key names a topic that exists and that this user may see. @throws KafkaError when no broker answers. */
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
