// CONFIG: shows settings under Redis' names. They are changed by a restart only.

import { globMatcher } from '../../core/access/glob.js';
import { fail } from '../../errors.js';
import { container } from '../command/container.js';
import type { Command } from '../command/context.js';
import { configParameters } from '../info/settings-view.js';
import { resetStats } from '../info/status.js';
import { MapReply, OK, type Reply } from '../wire/reply.js';

const common = {
  prefix: 'ERR',
  group: 'server',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const satisfies Partial<Command>;

/** `CONFIG GET pattern ...` -> a map of the parameters that match. */
const get = {
  ...common,
  name: 'get',
  arity: -3,
  summary: 'Returns the values of configuration parameters.',
  since: '2.0.0',
  args: [{ name: 'parameter', type: 'string', multiple: true }],
  run(ctx, args) {
    ctx.user.checkAdmin();
    const wanted = new Set<string>();
    const parameters = configParameters(ctx.server);
    // One pattern at a time: a client may send a million of them.
    for (const pattern of args.rest()) {
      const matches = globMatcher(pattern.toString(), { ignoreCase: true });
      for (const name of parameters.keys()) if (matches(name)) wanted.add(name);
    }
    return new MapReply([...parameters].filter(([name]) => wanted.has(name)).flat());
  },
} satisfies Command;

/** `CONFIG SET name value ...` -> `+OK` if the value is current already; nothing changes at run time. */
const set = {
  ...common,
  name: 'set',
  arity: -4,
  summary: 'Accepts the values that are set already; others need a restart.',
  since: '2.0.0',
  args: [
    {
      name: 'parameter_value',
      type: 'block',
      multiple: true,
      of: [
        { name: 'parameter', type: 'string' },
        { name: 'value', type: 'string' },
      ],
    },
  ],
  run(ctx, args) {
    ctx.user.checkAdmin();
    if (args.left % 2 !== 0) throw fail('syntax');
    const parameters = configParameters(ctx.server);
    while (args.left > 0) {
      const name = args.text();
      const current = parameters.get(name.toLowerCase());
      if (current === undefined) throw fail('config-unknown', name);
      if (args.text() !== current) throw fail('config-immutable', name);
    }
    return OK;
  },
} satisfies Command;

/** `CONFIG RESETSTAT` -> `+OK`: as DEL stats. */
const resetstat = {
  ...common,
  name: 'resetstat',
  arity: 2,
  summary: "Resets the gateway's counters.",
  since: '2.0.0',
  run(ctx): Reply | Promise<Reply> {
    ctx.user.checkAdmin();
    return resetStats(ctx)?.then(() => OK) ?? OK;
  },
} satisfies Command;

const rewrite = {
  ...common,
  name: 'rewrite',
  arity: 2,
  summary: 'Refused: the configuration file is not written by the server.',
  since: '2.8.0',
  run() {
    throw fail('config-file');
  },
} satisfies Command;

export const config = container({
  name: 'config',
  group: 'server',
  summary: 'A container for server configuration commands.',
  since: '2.0.0',
  subcommands: [get, resetstat, rewrite, set],
});
