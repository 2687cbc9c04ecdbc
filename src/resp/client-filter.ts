// Which connections CLIENT KILL and CLIENT LIST mean.
import { fail } from '../errors.js';
import { type Args, parseInteger } from './args.js';
import type { Context } from './context.js';

export type ClientTest = (client: Context) => boolean;

/**
 * `<option> <value> ...` of CLIENT KILL: ID, TYPE, USER, ADDR, LADDR, SKIPME; all must hold.
 * @throws GatewayError with Redis' texts.
 */
export function readKillFilter(ctx: Context, args: Args): ClientTest {
  const tests: ClientTest[] = [];
  let skipMe = true;
  while (args.left > 0) {
    if (args.left < 2) throw fail('syntax');
    const option = args.word();
    if (option === 'SKIPME') skipMe = readYesNo(args);
    else tests.push(readTest(option, args));
  }
  return (client) => (!skipMe || client !== ctx) && tests.every((test) => test(client));
}

/** Redis' names of client types; only `normal` ones exist here. */
export function readType(args: Args): ClientTest {
  const type = args.text();
  if (!/^(?:normal|master|replica|slave|pubsub)$/i.test(type)) throw fail('client-type-unknown', type);
  const isNormal = type.toLowerCase() === 'normal';
  return () => isNormal;
}

function readTest(option: string, args: Args): ClientTest {
  switch (option) {
    case 'ID': {
      const id = parseInteger(args.bytes());
      if (id === undefined || id < 1) throw fail('client-id-positive');
      return (client) => client.id === id;
    }
    case 'TYPE':
      return readType(args);
    case 'USER': {
      const user = args.text();
      return (client) => client.user.name === user;
    }
    case 'ADDR': {
      const address = args.text();
      return (client) => client.address === address;
    }
    case 'LADDR': {
      const address = args.text();
      return (client) => client.localAddress === address;
    }
    default:
      throw fail('syntax');
  }
}

function readYesNo(args: Args): boolean {
  if (args.option('YES')) return true;
  if (args.option('NO')) return false;
  throw fail('syntax');
}
