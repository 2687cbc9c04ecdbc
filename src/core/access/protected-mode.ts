// Protected mode: without users, only clients of this machine are accepted. And the exposure warning for operators.

/** Whether a peer is on this machine; a unix socket's peer has no address and is. */
export function isLoopback(address: string | undefined): boolean {
  return address === undefined || address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** The warning for a listener that listens to other machines without authentication; undefined: none. */
export function exposure(listener: { host: string; protectedMode: boolean; hasUsers: boolean }): string | undefined {
  if (listener.host === 'localhost' || isLoopback(listener.host) || listener.hasUsers) return undefined;
  return listener.protectedMode
    ? 'no password is set: only clients of this machine are let in (protected mode)'
    : 'no password is set and protected mode is off: everybody who reaches the port may use Kafka';
}
