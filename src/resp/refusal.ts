// What clients are told that are not let in, and operators of whom they let in.
import type { RespConfig } from './config.js';

/** Redis' own text. */
export const tooManyClients = '-ERR max number of clients reached\r\n';

/** Begins as Redis' text, for programs that look for it; the ways out are this gateway's. */
export const deniedByProtectedMode =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default ' +
  'user. In this mode connections are only accepted from the loopback interface. If you want to connect from external ' +
  'computers you may adopt one of the following solutions: 1) Run the gateway as a sidecar that shares the network ' +
  'namespace of its client. 2) Set a password for the default user with --requirepass, or users with --users-file. ' +
  '3) Switch this mode off with --no-protected-mode, but MAKE SURE that nobody else can reach the port. NOTE: You only ' +
  'need to do one of the above things in order for the server to start accepting connections from the outside.\r\n';

/** Whether a peer is on this machine; a unix socket's peer has no address and is. */
export function isLoopback(address: string | undefined): boolean {
  return address === undefined || address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** What an operator should know of a gateway that listens to other machines without a password; undefined: nothing. */
export function exposure({
  host,
  protectedMode,
  requirepass,
  usersFile,
}: Pick<RespConfig, 'host' | 'protectedMode' | 'requirepass' | 'usersFile'>): string | undefined {
  const isClosed = host === 'localhost' || isLoopback(host) || requirepass !== undefined || usersFile !== undefined;
  if (isClosed) return undefined;
  return protectedMode
    ? 'no password is set: only clients of this machine are let in (protected mode)'
    : 'no password is set and protected mode is off: everybody who reaches the port may use Kafka';
}
