// Sockets of the gRPC listener: accepted here, bounded in number, and closed if the peer has left or never sends.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface GrpcAddress {
  readonly host: string;
  readonly port: number;
  /** PEM texts; absent: without TLS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** Time limit of a TLS handshake, ms. */
const handshakeMs = 10_000;
/** How long a peer may keep its side open once this one has been closed in order, ms: HTTP/2 itself waits for ever. */
const lingerMs = 500;

/**
 * Listens. A peer that has closed its side makes no more calls, and is closed when those under way are done.
 * @param after calls once after ms. @param take gets each connection once it may speak HTTP/2. @throws Error if it cannot listen on the address.
 */
export async function listen(
  { host, port, tls }: GrpcAddress,
  maxConnections: number,
  after: (ms: number, call: () => void) => unknown,
  take: (socket: Socket) => void,
): Promise<{ readonly server: Server; readonly port: number }> {
  const accept = (socket: Socket): void => {
    socket.on('error', () => {});
    socket.once('end', () => socket.destroy());
    socket.once('finish', () => after(lingerMs, () => socket.destroy()));
    take(socket);
  };
  const server = tls
    ? createTlsServer({ ...tls, ALPNProtocols: ['h2'], handshakeTimeout: handshakeMs, noDelay: true })
    : createServer({ noDelay: true });
  server.on(tls ? 'secureConnection' : 'connection', accept);
  // Also after a time-out, which Node only reports.
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { server, port: (server.address() as AddressInfo).port };
}
