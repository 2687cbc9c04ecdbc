// The arguments that XREAD and XREADGROUP share.

import { fail } from '../../errors.js';
import type { Args } from '../command/args.js';
import { parseInteger } from '../command/args.js';
import type { Context } from '../command/context.js';

export interface ReadArgs {
  /** 0: not given. */
  readonly count: number;
  /** Milliseconds, Infinity: no limit; undefined: do not wait. */
  readonly blockMs: number | undefined;
  readonly noack: boolean;
  readonly group: string;
  readonly consumer: string;
  readonly keys: readonly Buffer[];
  readonly ids: readonly Buffer[];
}

/** Maximum per command: Kafka is asked about each of them. */
const mostStreams = 1_000;

/** Those of an EXEC never wait. @throws GatewayError with Redis' texts. */
export function readReadArgs(ctx: Context, args: Args, command: 'xread' | 'xreadgroup'): ReadArgs {
  const grouped = command === 'xreadgroup';
  let count = 0;
  let blockMs: number | undefined;
  let noack = false;
  let names: [string, string] | undefined;
  for (;;) {
    if (args.left > 1 && args.option('BLOCK')) blockMs = readBlock(args.bytes());
    else if (args.left > 1 && args.option('COUNT')) count = Math.max(0, args.integer());
    else if (args.left > 2 && args.option('GROUP')) {
      if (!grouped) throw argument('The GROUP option is only supported by XREADGROUP. You called XREAD instead.');
      names = [args.text(), args.text()];
    } else if (args.option('NOACK')) {
      if (!grouped) throw argument('The NOACK option is only supported by XREADGROUP. You called XREAD instead.');
      noack = true;
    } else if (args.left > 1 && args.option('STREAMS')) break;
    else throw fail('syntax');
  }
  if (args.left % 2 !== 0) {
    throw argument("Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.");
  }
  if (grouped && !names) throw argument('Missing GROUP option for XREADGROUP');
  if (args.left / 2 > mostStreams)
    throw argument(`${command.toUpperCase()} reads ${mostStreams} streams at most, not ${args.left / 2}`);
  const rest = args.rest();
  const [group, consumer] = names ?? ['', ''];
  return {
    count,
    blockMs: ctx.isInExec ? undefined : blockMs,
    noack,
    group,
    consumer,
    keys: rest.slice(0, rest.length / 2),
    ids: rest.slice(rest.length / 2),
  };
}

function readBlock(bytes: Buffer): number {
  const ms = parseInteger(bytes);
  if (ms === undefined) throw argument('timeout is not an integer or out of range');
  if (ms < 0) throw argument('timeout is negative');
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

const argument = (text: string) => fail('stream-argument', text);
