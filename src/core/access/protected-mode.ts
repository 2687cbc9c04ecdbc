// Protected mode: without users, only clients of this machine are let in. What operators are told of whom they let in.

/** Whether a peer is on this machine; a unix socket's peer has no address and is. */
export function isLoopback(address: string | undefined): boolean {
  return address === undefined || address === '::1' || /^(?:::ffff:)?127\./.test(address);
}

/** What an operator should know of a face that listens to other machines and asks nobody who he is; undefined: nothing. */
export function exposure(face: { host: string; protectedMode: boolean; hasUsers: boolean }): string | undefined {
  if (face.host === 'localhost' || isLoopback(face.host) || face.hasUsers) return undefined;
  return face.protectedMode
    ? 'no password is set: only clients of this machine are let in (protected mode)'
    : 'no password is set and protected mode is off: everybody who reaches the port may use Kafka';
}
