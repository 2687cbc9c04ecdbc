// Sockets of the REST listener: TCP (plain or TLS) and unix, with limits for slow clients.
import { chmodSync } from 'node:fs';
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { removeStaleSocket } from '../io/stale-socket.js';
import type { HttpLimits } from './config.js';
import { goJson } from './go-json.js';
import { boundUnreadReplies } from './reply-end.js';

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
  /** PEM texts; absent: plain HTTP. */
  readonly tls?: Pem;
  /** Reads them again. @throws Error */
  readonly readTls?: () => Pem;
}

interface Pem {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A listening server, for app and tests. */
export interface BoundServer {
  readonly server: Server;
  /** As a user would type it: `127.0.0.1:19092` or a path. */
  readonly address: string;
}

/** Time limit of a TLS handshake, ms. */
const handshakeMs = 10_000;
/** How long requests in flight may take once listening has ended, ms. */
const closeMs = 5_000;

/** By Node's code of the error; anything else is a request that cannot be read. */
const refusals: Readonly<Record<string, readonly [status: number, text: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'request head is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not come in time'],
};

/** @throws Error if it cannot listen on the address. */
export async function listenTcp(address: TcpAddress, limits: HttpLimits, serve: RequestListener): Promise<BoundServer> {
  const options = { ...serverOptions(limits), ...address.tls, handshakeTimeout: handshakeMs };
  const server = address.tls ? createTlsServer(options, serve) : createServer(options, serve);
  // Node only reports it: a peer that never begins the handshake would stay.
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await listen(server, limits, { host: address.host, port: address.port });
  const bound = server.address() as AddressInfo;
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return { server, address: `${host}:${bound.port}` };
}

/** New connections get the certificate as it is now. @throws Error when it can't be used: the one before holds on */
export function renewTls({ server }: BoundServer, { readTls }: TcpAddress): void {
  if (readTls && server instanceof TlsServer) server.setSecureContext(readTls());
}

/** Removes a stale socket file. No client can connect before the file has its mode. @throws Error */
export async function listenUnix(
  path: string,
  mode = 0o777,
  limits: HttpLimits,
  serve: RequestListener,
): Promise<BoundServer> {
  await removeStaleSocket(path);
  const server = createServer(serverOptions(limits), serve);
  // The socket's file is created within the call that begins to listen.
  const umask = process.umask(0o777);
  const listening = listen(server, limits, { path });
  process.umask(umask);
  await listening;
  chmodSync(path, mode);
  return { server, address: path };
}

/** Ends listening; closes idle connections, and the others when their request is done, or after a time limit. Never rejects. */
export async function closeListener({ server }: BoundServer): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const impatient = setTimeout(() => server.closeAllConnections(), closeMs);
  await closed;
  clearTimeout(impatient);
}

const serverOptions = (limits: HttpLimits) => ({
  maxHeaderSize: limits.maxHeaderBytes,
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveMs,
  connectionsCheckingInterval: Math.max(100, Math.min(5_000, limits.headersTimeoutMs / 2)),
  noDelay: true,
});

async function listen(server: Server, limits: HttpLimits, where: { host?: string; port?: number; path?: string }) {
  server.maxConnections = limits.maxConnections;
  server.on('clientError', refuse);
  boundUnreadReplies(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** What Node's parser refuses before there is a request gets the API's form of an error, and the connection closes. Where a reply is under way the connection just ends: the client would take this for a part of it. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  // Node's own listener looks at the same.
  const { _httpMessage: current } = socket as { _httpMessage?: { headersSent: boolean } };
  if (!socket.writable || current?.headersSent) {
    socket.destroy();
    return;
  }
  const [status, text] = refusals[error.code ?? ''] ?? [400, 'malformed request'];
  const body = goJson({ error: text });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n`;
  socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  socket.destroySoon();
}
