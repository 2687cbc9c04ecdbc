// The certificate files of a cluster, looked at before a client is made: librdkafka says neither which key is meant nor which file.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fail } from '../../errors.js';
import type { ServerConfig } from './config.js';

type TlsKey = 'ca_cert_path' | 'client_cert_path' | 'client_key_path';

/** @param where the section, for error texts @throws GatewayError `relay-config` naming the key and the file */
export function checkTlsFiles(server: Pick<ServerConfig, 'enable_tls' | TlsKey>, where: string): void {
  if (!server.enable_tls) return;
  const read = <T>(key: TlsKey, what: string, parse: (pem: Buffer) => T): T | undefined =>
    server[key] === '' ? undefined : readPem(server[key], `${where}.${key}`, what, parse);
  // librdkafka finds the system's by itself.
  if (server.ca_cert_path !== 'probe') read('ca_cert_path', 'a certificate', (pem) => new X509Certificate(pem));
  const certificate = read('client_cert_path', 'a certificate', (pem) => new X509Certificate(pem));
  const key = read('client_key_path', 'a private key without a passphrase', (pem): KeyObject => createPrivateKey(pem));
  if (certificate && key && !certificate.checkPrivateKey(key))
    throw fail('relay-config', `${where}: client_key_path is not the key of client_cert_path`);
}

function readPem<T>(path: string, key: string, what: string, parse: (pem: Buffer) => T): T | undefined {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A folder of certificates, which librdkafka takes.
    if (code === 'EISDIR' && key.endsWith('.ca_cert_path')) return undefined;
    throw fail('relay-config', `${key}: cannot read ${path}: ${code}`);
  }
  try {
    return parse(pem);
  } catch {
    throw fail('relay-config', `${key}: ${path} is not ${what} (PEM)`);
  }
}
