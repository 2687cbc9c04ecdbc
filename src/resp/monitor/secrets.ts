// Which arguments of a command are secrets: MONITOR never shows them.
import type { Resolved } from '../command/context.js';
import type { Hidden } from './monitor-lines.js';

const nothing: Hidden = { from: 0, to: 0 };
/** Parts of the names of secret settings (requirepass, masterauth, tls-key-file-pass). */
const secretSetting = /pass|auth|secret/i;

/**
 * All arguments of AUTH; in HELLO those after its option AUTH; in CONFIG SET the values of passwords. If a command is malformed,
 * everything after that point is hidden: a password may be anywhere.
 */
export function secretsIn({ fullName }: Resolved, argv: readonly Buffer[]): Hidden {
  if (fullName === 'hello') return fromTo(secretsOfHello(argv), argv);
  if (fullName === 'config|set') return fromTo(secretsOfConfig(argv), argv);
  // COMMAND GETKEYS AUTH ...: a command as the arguments of another one.
  const isQuoted =
    fullName.startsWith('command|getkeys') && argv.length > 2 && /^(?:auth|hello|config)$/i.test(word(argv[2]!));
  if (fullName === 'auth' || isQuoted) return fromTo(isQuoted ? 3 : 1, argv);
  return nothing;
}

const fromTo = (from: number, argv: readonly Buffer[]): Hidden => ({ from, to: argv.length });

/** A name after SETNAME may itself be `auth`: options are read in order. @returns the index from which nothing is shown. */
function secretsOfHello(argv: readonly Buffer[]): number {
  let at = 2;
  while (at < argv.length && /^setname$/i.test(word(argv[at]!))) at += 2;
  if (at < argv.length && /^auth$/i.test(word(argv[at]!))) return at + 1;
  return at;
}

function secretsOfConfig(argv: readonly Buffer[]): number {
  for (let at = 2; at < argv.length; at++) if (secretSetting.test(word(argv[at]!))) return at + 1;
  return argv.length;
}

/** Options are short; anything longer is none. */
const word = (arg: Buffer): string => arg.toString('latin1', 0, 64);
