// What SUBSCRIBE and its kin answer: one push for each channel or pattern.
import type { Context } from '../context.js';
import { encodeAlone } from '../encoder.js';
import { Encoded, PushReply } from '../reply.js';

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
