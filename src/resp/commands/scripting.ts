// EVAL, FCALL, SCRIPT and the like: known, and refused. Libraries take an unknown command for an old server and retry forever.
import { fail } from '../../errors.js';
import type { Command, Flag } from '../command/context.js';

function refused(name: string, arity: number, since: string, flags: readonly Flag[]): Command {
  return {
    name,
    arity,
    prefix: 'ERR',
    group: 'scripting',
    flags,
    summary: 'Scripts and functions: refused, this server runs none.',
    since,
    run() {
      throw fail('scripts-unsupported');
    },
  };
}

const writing: readonly Flag[] = ['noscript', 'movablekeys'];
const reading: readonly Flag[] = ['noscript', 'readonly', 'movablekeys'];

/** `EVAL script numkeys ...` and the others -> `ERR scripts are not supported by this server`. */
export const evalScript = refused('eval', -3, '2.6.0', writing);
export const evalRo = refused('eval_ro', -3, '7.0.0', reading);
export const evalsha = refused('evalsha', -3, '2.6.0', writing);
export const evalshaRo = refused('evalsha_ro', -3, '7.0.0', reading);
export const fcall = refused('fcall', -3, '7.0.0', writing);
export const fcallRo = refused('fcall_ro', -3, '7.0.0', reading);
/** For any subcommand. */
export const functions = refused('function', -2, '7.0.0', ['noscript']);
export const script = refused('script', -2, '2.6.0', ['noscript']);
