// What the connections of all processes of this gateway are subscribed to.

import { GatewayError } from '../../../errors.js';
import type { Context } from '../../command/context.js';
import type { SubscribedNames } from '../../siblings/siblings.js';
import { topicOf } from '../names.js';

/** The subscriptions of this process. */
export function ownSubscribed(clients: Iterable<Context>): SubscribedNames {
  const counts = new Map<string, number>();
  const patterns = new Set<string>();
  for (const { sessions } of clients) {
    if (!sessions.isSubscribed) continue;
    const { subscriptions } = sessions.streams;
    for (const name of subscriptions.channels) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const name of subscriptions.patterns) patterns.add(name);
  }
  return { channels: [...counts], patterns: [...patterns] };
}

/** The number of subscribers of each channel, and all patterns. */
export interface Subscribed {
  readonly channels: ReadonlyMap<string, number>;
  readonly patterns: ReadonlySet<string>;
}

/** Of all processes. Answers at once if there is only one. @throws GatewayError `peer-silent` */
export function subscribed({ server }: Context): Subscribed | Promise<Subscribed> {
  const own = ownSubscribed(server.clients());
  if (!server.siblings.exist) return sum([own]);
  return server.siblings.askAll('subscriptions').then((elsewhere) => sum([own, ...elsewhere]));
}

function sum(all: readonly SubscribedNames[]): Subscribed {
  const channels = new Map<string, number>();
  const patterns = new Set<string>();
  for (const each of all) {
    for (const [name, count] of each.channels) channels.set(name, (channels.get(name) ?? 0) + count);
    for (const name of each.patterns) patterns.add(name);
  }
  return { channels, patterns };
}

/** Whether a channel may be shown to this user. A name that no topic can have is no secret. */
export function mayHear(ctx: Context, channel: string): boolean {
  try {
    return ctx.user.maySee(topicOf(Buffer.from(channel), ctx.server.gateway.settings));
  } catch (error) {
    if (error instanceof GatewayError) return true;
    throw error;
  }
}
