// The relay's HTTP listener: /metrics, /healthz, /readyz.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { own } from '../../core/promises.js';
import { fail } from '../../errors.js';
import type { MappingView } from './mapping-view.js';

export interface OpsSource {
  /** What the console shows of each mapping. */
  mappings(): readonly MappingView[];
  metrics(): Promise<string>;
  /** Topics with their state, and whether all of them are being relayed. */
  readiness(): { ready: boolean; topics: Record<string, string> };
}

/** Pages of another folder on the same port: the console. */
export interface OpsPages {
  /** The server whose requests it gets. */
  attach(server: Server): void;
  /** @returns false: it is not for it. */
  serve(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

/** Go's listen address: `:7081`, `127.0.0.1:7081`, `[::1]:7081`. @throws GatewayError `relay-config` */
export function parseListenAddress(text: string): { host: string | undefined; port: number } {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (!found || Number(found[3]) > 65_535)
    throw fail('relay-config', `app.metrics_server_addr '${text}': write host:port or :port`);
  const host = found[1] ?? found[2];
  return { host: host || undefined, port: Number(found[3]) };
}

export class OpsServer {
  readonly #server: Server;
  readonly #pages: OpsPages | undefined;

  /** @param pages serves what else the port has; absent: nothing */
  constructor(source: OpsSource, pages?: OpsPages) {
    this.#server = createServer((request, response) => {
      if (pages?.serve(request, response)) return;
      const path = (request.url ?? '').split('?')[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'method not allowed\n');
      if (path === '/metrics') {
        const failed = (error: unknown): void => send(response, 500, `${String(error)}\n`);
        own(
          source.metrics().then((text) => send(response, 200, text), failed),
          () => response.destroy(),
        );
      } else if (path === '/healthz') send(response, 200, 'ok\n');
      else if (path === '/readyz') sendReadiness(response, source);
      else send(response, 404, 'not found\n');
    });
    this.#pages = pages;
    pages?.attach(this.#server);
    this.#server.requestTimeout = 10_000;
    this.#server.headersTimeout = 10_000;
  }

  /** @returns the port. Rejects if it cannot listen on the address. */
  listen(address: { host: string | undefined; port: number }): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  async close(): Promise<void> {
    await this.#pages?.close();
    return new Promise((resolve) => {
      if (!this.#server.listening) return resolve();
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function sendReadiness(response: ServerResponse, source: OpsSource): void {
  const { ready, topics } = source.readiness();
  response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ ready, topics })}\n`);
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(text);
}
