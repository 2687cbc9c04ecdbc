// The stream that an argument names, with a check of the user's rights.
import type { Args } from '../command/args.js';
import type { Context } from '../command/context.js';
import { topicOf } from './names.js';

/** The topic of the next argument, for writing. @throws GatewayError `stream-name`, `not-permitted`. */
export function writtenTopic(ctx: Context, args: Args): string {
  const topic = topicOf(args.bytes(), ctx.server.gateway.settings);
  ctx.user.checkProduce(topic);
  return topic;
}

/** The topic of a key, for reading without a group. @throws GatewayError `stream-name`, `not-permitted`. */
export function readTopic(ctx: Context, key: Buffer): string {
  const topic = topicOf(key, ctx.server.gateway.settings);
  ctx.user.checkConsume(ctx.user.name, [topic]);
  return topic;
}

/** A stream and its consumer group, as commands on groups name them. */
export interface GroupKey {
  readonly key: string;
  readonly topic: string;
  readonly group: string;
  readonly kafkaGroup: string;
}

/**
 * A right to the group's own name or to the Kafka group's is enough. In a raw form several names share one Kafka group: there only the
 * Kafka group's name counts.
 * @throws GatewayError `stream-name`, `group-invalid`, `not-permitted`.
 */
export function groupKey(ctx: Context, key: Buffer, group: string): GroupKey {
  const { settings, streams } = ctx.server.gateway;
  const { groupForm } = streams;
  const topic = topicOf(key, settings);
  const kafkaGroup = groupForm.kafkaGroup(group, topic);
  ctx.user.checkConsume(groupForm.isRaw ? kafkaGroup : group, [topic], kafkaGroup);
  return { key: key.toString(), topic, group, kafkaGroup };
}

/** Whether a group of a stream may be shown: to whom may use it. */
export function maySeeGroup(ctx: Context, group: string, kafkaGroup: string): boolean {
  const { groupForm } = ctx.server.gateway.streams;
  return ctx.user.mayJoin(kafkaGroup) || (!groupForm.isRaw && ctx.user.mayJoin(group));
}
