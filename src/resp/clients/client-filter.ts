// The connections that CLIENT KILL and CLIENT LIST select, as data: other processes search theirs as well.
import { fail } from '../../errors.js';
import { type Args, parseInteger } from '../command/args.js';
import type { Context } from '../command/context.js';
import type { ClientFilter, ClientTest } from '../siblings/client-test.js';

/** The selected ones. */
export function meantOf<C extends Context>({ tests, except }: ClientFilter, clients: Iterable<C>): C[] {
  const passAll = tests.map(tester);
  return [...clients].filter((client) => client.id !== except && passAll.every((passes) => passes(client)));
}

/**
 * `<option> <value> ...` of CLIENT KILL: ID, TYPE, USER, ADDR, LADDR, SKIPME; all must hold.
 * @throws GatewayError with Redis' texts.
 */
export function readKillFilter(ctx: Context, args: Args): ClientFilter {
  const tests: ClientTest[] = [];
  let skipMe = true;
  while (args.left > 0) {
    if (args.left < 2) throw fail('syntax');
    const option = args.word();
    if (option === 'SKIPME') skipMe = readYesNo(args);
    else tests.push(readTest(option, args));
  }
  return { tests, ...(skipMe ? { except: ctx.id } : {}) };
}

export function readType(args: Args): ClientTest {
  const type = args.text();
  if (!/^(?:normal|master|replica|slave|pubsub)$/i.test(type)) throw fail('client-type-unknown', type);
  return { isNormal: type.toLowerCase() === 'normal' };
}

function tester(test: ClientTest): (client: Context) => boolean {
  if ('ids' in test) {
    const ids = new Set(test.ids);
    return ({ id }) => ids.has(id);
  }
  if ('isNormal' in test) return () => test.isNormal;
  if ('user' in test) return ({ user }) => user.name === test.user;
  if ('address' in test) return ({ address }) => address === test.address;
  return ({ localAddress }) => localAddress === test.localAddress;
}

function readTest(option: string, args: Args): ClientTest {
  switch (option) {
    case 'ID': {
      const id = parseInteger(args.bytes());
      if (id === undefined || id < 1) throw fail('client-id-positive');
      return { ids: [id] };
    }
    case 'TYPE':
      return readType(args);
    case 'USER':
      return { user: args.text() };
    case 'ADDR':
      return { address: args.text() };
    case 'LADDR':
      return { localAddress: args.text() };
    default:
      throw fail('syntax');
  }
}

function readYesNo(args: Args): boolean {
  if (args.option('YES')) return true;
  if (args.option('NO')) return false;
  throw fail('syntax');
}
