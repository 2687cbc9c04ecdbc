// Leaving a group in other workers, so that its positions can be set or removed: members of theirs would commit over it.
import type { StreamGroups } from '../../core/streams/stream-groups.js';
import type { Context } from '../context.js';
import type { GroupKey } from './key.js';

/** @param how `unless-awaited`: not where a call waits for the group's next entries. Never rejects. */
export async function leaveGroup(
  groups: StreamGroups,
  kafkaGroup: string,
  topic: string,
  how: 'always' | 'unless-awaited',
): Promise<void> {
  const open = groups.find(kafkaGroup, topic);
  if (open && (how === 'always' || !open.isAwaited)) await groups.leave(open);
  await groups.left(kafkaGroup, topic);
}

/** In all workers; in a process of its own nothing has to leave. @throws GatewayError `peer-silent` */
export async function leaveEverywhere(
  { server: { peers, gateway } }: Context,
  { kafkaGroup, topic }: GroupKey,
  how: 'always' | 'unless-awaited',
): Promise<void> {
  if (!peers.exist) return;
  await Promise.all([
    leaveGroup(gateway.streams.groups, kafkaGroup, topic, how),
    peers.askAll('leaveGroup', kafkaGroup, topic, how),
  ]);
}
