// Answers of SUBSCRIBE and the like: one push for each channel or pattern.
import type { Context } from '../../command/context.js';
import { encodeAlone } from '../../wire/encoder.js';
import { Encoded, PushReply } from '../../wire/reply.js';

/** All of them, or none: otherwise the client would not know about those before a refused one. @throws GatewayError, KafkaError */
export async function subscribeToAll(
  ctx: Context,
  kind: 'subscribe' | 'psubscribe',
  wanted: readonly Buffer[],
): Promise<Encoded> {
  const { subscriptions } = ctx.sessions.streams;
  const isChannel = kind === 'subscribe';
  const before = new Set(isChannel ? subscriptions.channels : subscriptions.patterns);
  const confirmed: [string, number][] = [];
  const confirming = subscriptions.maxMessages();
  try {
    for (const name of wanted.map(String)) {
      await (isChannel ? subscriptions.subscribe(name) : subscriptions.psubscribe(name));
      confirmed.push([name, subscriptions.count]);
    }
  } catch (error) {
    for (const [name] of confirmed.filter(([each]) => !before.has(each)))
      if (isChannel) subscriptions.unsubscribe(name);
      else subscriptions.punsubscribe(name);
    throw error;
  } finally {
    confirming();
  }
  return confirmations(ctx, kind, confirmed);
}

/** @param kind `subscribe` and so on. @param names null: there was none to leave. */
export function confirmations(
  ctx: Context,
  kind: string,
  named: readonly (readonly [name: string | null, count: number])[],
): Encoded {
  return new Encoded(
    Buffer.concat(named.map(([name, count]) => encodeAlone(new PushReply([kind, name, count]), ctx.protocol))),
  );
}
