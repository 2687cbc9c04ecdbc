// INFO [section ...]: the server's state and statistics.
import type { Command, Context } from '../command/context.js';
import { type Counted, infoText } from '../info/info-sections.js';
import { allStatus } from '../info/status.js';
import { subscribed } from '../streams/pubsub/subscribed.js';
import { type Reply, Verbatim } from '../wire/reply.js';

/** `INFO [section ...]` -> `# Section` and `field:value` lines; the `# Kafka` section is this gateway's own. */
export const info = {
  name: 'info',
  arity: -1,
  prefix: 'ERR',
  group: 'server',
  flags: ['loading', 'stale'],
  summary: 'Returns information and statistics about the server.',
  since: '1.0.0',
  args: [{ name: 'section', type: 'string', optional: true, multiple: true }],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  run(ctx, args): Reply | Promise<Reply> {
    const sections = args.rest().map((name) => name.toString());
    const counted = countedOf(ctx);
    if (counted instanceof Promise) return counted.then((all) => new Verbatim(infoText(ctx, all, sections)));
    return new Verbatim(infoText(ctx, counted, sections));
  },
} satisfies Command;

function countedOf(ctx: Context): Counted | Promise<Counted> {
  const [status, all] = [allStatus(ctx), subscribed(ctx)];
  if (!(status instanceof Promise) && !(all instanceof Promise)) return { ...status, subscribed: all };
  return Promise.all([status, all]).then(([known, heard]) => ({ ...known, subscribed: heard }));
}
