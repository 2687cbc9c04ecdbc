// The addresses of a client's socket, as CLIENT LIST shows them.
import type { Socket } from 'node:net';

/** Both ends, host:port. @param unixSocket stands in for an end that has no address. */
export function addressesOf(socket: Socket, unixSocket: string | undefined): { remote: string; local: string } {
  const unix = `${unixSocket}:0`;
  return {
    remote: hostAndPort(socket.remoteAddress, socket.remotePort) ?? unix,
    local: hostAndPort(socket.localAddress, socket.localPort) ?? unix,
  };
}

/** IPv6 addresses as Redis shows them, IPv4 ones without the IPv6 prefix; undefined for a unix socket. */
function hostAndPort(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined) return undefined;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port}`;
}
