// CLIENT TRACKING, TRACKINGINFO, CACHING, GETREDIR: client-side caching, for a server that never invalidates anything.
import { fail } from '../../../errors.js';
import type { Args } from '../../command/args.js';
import type { Command, Context, Tracking } from '../../command/context.js';
import { mapOf, OK, type Reply, SetReply } from '../../wire/reply.js';
import { connectionCommand } from './common.js';

const onOff = {
  name: 'status',
  type: 'oneof',
  of: [
    { name: 'on', type: 'pure-token', token: 'ON' },
    { name: 'off', type: 'pure-token', token: 'OFF' },
  ],
} as const;

/** `CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX p ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]` -> `+OK`; nothing is ever invalidated. */
export const tracking = {
  ...connectionCommand,
  name: 'tracking',
  arity: -3,
  summary: 'Accepted; no key is ever invalidated.',
  since: '6.0.0',
  args: [
    onOff,
    { name: 'client-id', type: 'integer', token: 'REDIRECT', optional: true },
    { name: 'prefix', type: 'string', token: 'PREFIX', optional: true, multiple: true },
    { name: 'bcast', type: 'pure-token', token: 'BCAST', optional: true },
    { name: 'optin', type: 'pure-token', token: 'OPTIN', optional: true },
    { name: 'optout', type: 'pure-token', token: 'OPTOUT', optional: true },
    { name: 'noloop', type: 'pure-token', token: 'NOLOOP', optional: true },
  ],
  run(ctx, args) {
    const status = args.word();
    const wanted = readOptions(ctx, args);
    if (status === 'OFF') ctx.tracking = undefined;
    else if (status !== 'ON') throw fail('syntax');
    else ctx.tracking = merged(ctx.tracking, wanted);
    return OK;
  },
} satisfies Command;

/** `CLIENT TRACKINGINFO` -> flags, redirect and prefixes as set by CLIENT TRACKING. */
export const trackinginfo = {
  ...connectionCommand,
  name: 'trackinginfo',
  arity: 2,
  summary: 'Returns how tracking is set for the connection.',
  since: '6.2.0',
  run(ctx): Reply {
    const { tracking } = ctx;
    return mapOf({
      flags: new SetReply(flagsOf(tracking)),
      redirect: tracking?.redirect ?? -1,
      prefixes: (tracking?.prefixes ?? []).toSorted(Buffer.compare),
    });
  },
} satisfies Command;

/** `CLIENT CACHING YES|NO` -> `+OK` if tracking is OPTIN or OPTOUT. */
export const caching = {
  ...connectionCommand,
  name: 'caching',
  arity: 3,
  summary: 'Accepted in OPTIN and OPTOUT mode; no key is ever invalidated.',
  since: '6.0.0',
  args: [
    {
      name: 'mode',
      type: 'oneof',
      of: [
        { name: 'yes', type: 'pure-token', token: 'YES' },
        { name: 'no', type: 'pure-token', token: 'NO' },
      ],
    },
  ],
  run(ctx, args) {
    const { tracking } = ctx;
    if (!tracking) throw fail('caching-mode');
    if (args.option('YES')) {
      if (!tracking.optin) throw fail('caching-yes');
    } else if (args.option('NO')) {
      if (!tracking.optout) throw fail('caching-no');
    } else throw fail('syntax');
    return OK;
  },
} satisfies Command;

/** `CLIENT GETREDIR` -> -1 without tracking, 0 without a redirection, else the id that invalidations would go to. */
export const getredir = {
  ...connectionCommand,
  name: 'getredir',
  arity: 2,
  summary: 'Returns the connection that invalidations would go to.',
  since: '6.0.0',
  run: (ctx) => ctx.tracking?.redirect ?? -1,
} satisfies Command;

function readOptions(ctx: Context, args: Args): Tracking {
  let redirect = 0;
  const prefixes: Buffer[] = [];
  const on = { bcast: false, optin: false, optout: false, noloop: false };
  while (args.left > 0) {
    const isLast = args.left === 1;
    const word = args.word();
    if (word === 'REDIRECT' && !isLast) {
      if (redirect !== 0) throw fail('tracking-redirects');
      redirect = args.integer();
      if (!ctx.server.client(redirect)) throw fail('tracking-redirect-unknown');
    } else if (word === 'PREFIX' && !isLast) prefixes.push(args.bytes());
    else if (isOption(word)) on[options[word]] = true;
    else throw fail('syntax');
  }
  return { redirect, prefixes, ...on };
}

const options = { BCAST: 'bcast', OPTIN: 'optin', OPTOUT: 'optout', NOLOOP: 'noloop' } as const;
const isOption = (word: string): word is keyof typeof options => Object.hasOwn(options, word);

/** @throws GatewayError if options contradict each other, or the current state. */
function merged(set: Tracking | undefined, wanted: Tracking): Tracking {
  const { bcast, optin, optout, prefixes } = wanted;
  if (!bcast && prefixes.length > 0) throw fail('tracking-prefix');
  if (set && set.bcast !== bcast) throw fail('tracking-switch-bcast');
  if (bcast && (optin || optout)) throw fail('tracking-bcast-opt');
  if (optin && optout) throw fail('tracking-both-opts');
  if ((optin && set?.optout) || (optout && set?.optin)) throw fail('tracking-switch-opt');
  return { ...wanted, prefixes: bcast ? allPrefixes(set, prefixes) : [] };
}

/** Maximum per connection: each is compared with the others. */
const mostPrefixes = 100;

function allPrefixes(set: Tracking | undefined, wanted: readonly Buffer[]): readonly Buffer[] {
  const known = set?.prefixes ?? [];
  if (wanted.length === 0) return known.some(({ length }) => length === 0) ? known : [...known, Buffer.alloc(0)];
  if (known.length + wanted.length > mostPrefixes) throw fail('tracking-prefixes', mostPrefixes);
  for (const [index, prefix] of wanted.entries()) {
    const set = known.find((other) => overlap(other, prefix));
    if (set) throw fail('tracking-prefix-overlaps', prefix.toString(), `an existing prefix '${set}'`);
    const provided = wanted.slice(index + 1).find((other) => overlap(other, prefix));
    if (provided) throw fail('tracking-prefix-overlaps', prefix.toString(), `another provided prefix '${provided}'`);
  }
  return [...known, ...wanted];
}

function overlap(one: Buffer, other: Buffer): boolean {
  const length = Math.min(one.length, other.length);
  return one.subarray(0, length).equals(other.subarray(0, length));
}

function flagsOf(tracking: Tracking | undefined): string[] {
  if (!tracking) return ['off'];
  const { bcast, optin, optout, noloop } = tracking;
  return [
    'on',
    ...(bcast ? ['bcast'] : []),
    ...(optin ? ['optin'] : []),
    ...(optout ? ['optout'] : []),
    ...(noloop ? ['noloop'] : []),
  ];
}
