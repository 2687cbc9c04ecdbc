// Acknowledges entries of a group, in the process that reads it.

import { claimKey } from '../../core/streams/group-leases.js';
import { fail } from '../../errors.js';
import type { Context, Gateway } from '../command/context.js';
import type { EntryPlace } from '../siblings/siblings.js';
import type { GroupKey } from './key.js';

/**
 * Acknowledges entries that are pending in this process, and commits if configured.
 * @returns number of entries acknowledged now. @throws GatewayError `kafka-unavailable`
 */
export function ackEntries(
  { streams: { groups }, settings }: Pick<Gateway, 'streams' | 'settings'>,
  kafkaGroup: string,
  topic: string,
  entries: readonly EntryPlace[],
): number | Promise<number> {
  const open = groups.find(kafkaGroup, topic);
  if (!open) return 0;
  let acked = 0;
  for (const { partition, offset } of entries) if (open.ack(partition, offset)) acked++;
  if (settings.streams.commit === 'async' || acked === 0) return acked;
  return open.commit().then((done) => {
    if (!done) throw fail('kafka-unavailable', 'the position could not be committed');
    return acked;
  });
}

/** The same in the process that reads the group. */
export function ackAnywhere(ctx: Context, at: GroupKey, entries: readonly EntryPlace[]): number | Promise<number> {
  const { siblings, gateway } = ctx.server;
  if (!siblings.exist || gateway.streams.groups.find(at.kafkaGroup, at.topic))
    return ackEntries(gateway, at.kafkaGroup, at.topic, entries);
  return ackElsewhere(ctx, at, entries);
}

async function ackElsewhere(
  { server: { siblings } }: Context,
  at: GroupKey,
  entries: readonly EntryPlace[],
): Promise<number> {
  const places = entries.map(({ partition, offset }) => ({ partition, offset }));
  return (await siblings.askHolder(claimKey(at), 'ackEntries', at.kafkaGroup, at.topic, places)) ?? 0;
}
