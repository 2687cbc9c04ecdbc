// CLIENT REPLY, NO-EVICT, NO-TOUCH: modes of a connection.
import { fail } from '../../../errors.js';
import type { Command } from '../../command/context.js';
import { noReply, OK } from '../../wire/reply.js';
import { adminCommand, connectionCommand } from './common.js';

/** `CLIENT REPLY ON` -> `+OK`; `OFF` and `SKIP` (this and the next command) get no answer themselves. */
export const reply = {
  ...connectionCommand,
  name: 'reply',
  arity: 3,
  summary: 'Sets whether commands are answered.',
  since: '3.2.0',
  args: [
    {
      name: 'on_off_skip',
      type: 'oneof',
      of: [
        { name: 'on', type: 'pure-token', token: 'ON' },
        { name: 'off', type: 'pure-token', token: 'OFF' },
        { name: 'skip', type: 'pure-token', token: 'SKIP' },
      ],
    },
  ],
  run(ctx, args) {
    if (args.option('ON')) {
      ctx.setReplyMode('on');
      return OK;
    }
    if (args.option('OFF')) ctx.setReplyMode('off');
    else if (args.option('SKIP')) ctx.setReplyMode('skip');
    else throw fail('syntax');
    return noReply;
  },
} satisfies Command;

const onOff = {
  name: 'enabled',
  type: 'oneof',
  of: [
    { name: 'on', type: 'pure-token', token: 'ON' },
    { name: 'off', type: 'pure-token', token: 'OFF' },
  ],
} as const;

/** `CLIENT NO-EVICT ON|OFF` -> `+OK`; the query buffer limit still applies. */
export const noEvict = {
  ...adminCommand,
  name: 'no-evict',
  arity: 3,
  summary: 'Accepted; the query buffer limit holds for all.',
  since: '7.0.0',
  args: [onOff],
  run(_ctx, args) {
    if (!args.option('ON') && !args.option('OFF')) throw fail('syntax');
    return OK;
  },
} satisfies Command;

/** `CLIENT NO-TOUCH ON|OFF` -> `+OK`: there is nothing to touch. */
export const noTouch = {
  ...noEvict,
  ...connectionCommand,
  name: 'no-touch',
  summary: 'Accepted; reading a key changes nothing here.',
  since: '7.2.0',
} satisfies Command;
