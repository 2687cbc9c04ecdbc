// TLS files: read and checked before anything listens, so that an error names the file.
import { readFileSync } from 'node:fs';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { fail } from '../../errors.js';
import type { RespConfig } from '../config.js';

/** Options of a TLS server. @throws GatewayError `file-unusable`, naming the file. */
export function tlsFiles({ certFile, keyFile, caFile }: NonNullable<RespConfig['tls']>): TlsOptions {
  const read = (path: string): Buffer => tried(path, () => readFileSync(path));
  const cert = read(certFile);
  const key = read(keyFile);
  tried(`${certFile}, ${keyFile}`, () => createSecureContext({ cert, key }));
  return {
    cert,
    key,
    ...(caFile === undefined ? {} : { ca: read(caFile), requestCert: true, rejectUnauthorized: true }),
  };
}

function tried<T>(what: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw fail('file-unusable', what, (error as Error).message);
  }
}
