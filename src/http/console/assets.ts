// The console's static files: one page, one script, one style sheet, built by scripts/compile.mjs.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { send } from './reply.js';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
}

/** Nothing from elsewhere, nothing inline: a value of a message that holds markup runs no script. */
const contentSecurityPolicy =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'console.js': 'text/javascript; charset=utf-8',
  'style.css': 'text/css; charset=utf-8',
};

/** Where the build puts them, beside the compiled sources. */
const folder = new URL('../../console/', import.meta.url);

/** The files by name; none if they were not built. */
export function loadAssets(from: URL = folder): ReadonlyMap<string, Asset> {
  try {
    return new Map(
      Object.entries(types).map(([name, type]) => {
        const body = readFileSync(new URL(name, from));
        const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
        return [name, { type, body, gzipped: gzipSync(body, { level: 9 }), etag }];
      }),
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
}

const text = 'text/plain; charset=utf-8';
const notBuilt = 'the console is not built: run npm run build\n';

/** @param name empty: the page */
export function serveAsset(
  assets: ReadonlyMap<string, Asset>,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const file = assets.get(name === '' ? 'index.html' : name);
  if (assets.size === 0) send(response, 503, text, notBuilt);
  else if (!file) send(response, 404, text, '404 page not found\n');
  else if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, text, '');
  else sendFile(file, request, response);
}

function sendFile({ type, body, gzipped, etag }: Asset, request: IncomingMessage, response: ServerResponse): void {
  const headers = {
    'cache-control': 'no-cache',
    'content-security-policy': contentSecurityPolicy,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    etag,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const sent = isZipped ? gzipped : body;
  response.writeHead(200, {
    ...headers,
    'content-type': type,
    'content-length': sent.length,
    ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : sent);
}
