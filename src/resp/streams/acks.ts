// Acknowledging entries of a group: those that are pending in this process, and with --workers those of the others.
import { all } from '../../core/promises.js';
import { fail } from '../../errors.js';
import type { Context } from '../context.js';
import type { EntryPlace } from '../peers.js';
import type { GroupKey } from './key.js';
import type { Streams } from './streams.js';

/**
 * Acknowledges what is pending in this process, and commits where that is asked for.
 * @returns how many entries were acknowledged now. @throws GatewayError `kafka-unavailable`
 */
export function ackEntries(
  { groups, settings }: Streams,
  kafkaGroup: string,
  topic: string,
  entries: readonly EntryPlace[],
): number | Promise<number> {
  const open = groups.find(kafkaGroup, topic);
  if (!open) return 0;
  let acked = 0;
  for (const { partition, offset } of entries) if (open.ack(partition, offset)) acked++;
  if (settings.commit === 'async' || acked === 0) return acked;
  return open.commit().then((done) => {
    if (!done) throw fail('kafka-unavailable', 'the position could not be committed');
    return acked;
  });
}

/** The same in whichever process each entry is pending. */
export function ackEverywhere(ctx: Context, at: GroupKey, entries: readonly EntryPlace[]): number | Promise<number> {
  const { peers, gateway } = ctx.server;
  const own = ackEntries(gateway.streams, at.kafkaGroup, at.topic, entries);
  if (!peers.exist || own === entries.length) return own;
  return ackElsewhere(ctx, at, entries, own);
}

async function ackElsewhere(
  { server: { peers } }: Context,
  { kafkaGroup, topic }: GroupKey,
  entries: readonly EntryPlace[],
  own: number | Promise<number>,
): Promise<number> {
  const places = entries.map(({ partition, offset }) => ({ partition, offset }));
  const counts = await all(
    [() => own, () => peers.askAll('ackEntries', kafkaGroup, topic, places)],
    (count): number | number[] | Promise<number | number[]> => count(),
  );
  return counts.flat().reduce((sum, count) => sum + count, 0);
}
