// The checks of `rafka check` on files and ports: TLS files, users, listening addresses.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { Users } from '../core/access/users.js';
import { type Finding, failed, ok, step, warn } from './findings.js';
import { causeOf } from './health.js';

/** Files of one TLS server or client. */
export interface TlsPaths {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  /** Of an encrypted key. */
  readonly passphrase?: string | undefined;
}

/** A certificate that expires sooner gets a warning, ms. */
const soonMs = 30 * 24 * 3_600_000;

/** @param now ms since the epoch */
export function checkTls(what: string, paths: TlsPaths, now: number): Finding[] {
  const { certFile, keyFile, caFile, passphrase } = paths;
  const findings: Finding[] = [];
  let certificate: X509Certificate | undefined;
  if (certFile !== undefined) {
    const [finding, read] = certificates(`${what} certificate`, certFile, now);
    findings.push(finding);
    certificate = read;
  }
  if (keyFile !== undefined) findings.push(keyFinding(`${what} key`, keyFile, passphrase, certificate));
  if (caFile !== undefined) findings.push(certificates(`${what} authorities`, caFile, now)[0]);
  return findings;
}

/** All certificates of a file; the first one is the server's or client's own. */
function certificates(what: string, path: string, now: number): [Finding, X509Certificate?] {
  try {
    const pem = readFileSync(path, 'utf8');
    const blocks =
      pem.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) return [failed(what, `${path}: holds no PEM certificate`)];
    const all = blocks.map((block) => new X509Certificate(block));
    const first = all[0]!;
    const ends = all.map(({ validTo }) => Date.parse(validTo));
    const until = new Date(Math.min(...ends)).toISOString().slice(0, 10);
    const subject = first.subject.replaceAll('\n', ', ');
    if (Math.min(...ends) < now) return [failed(what, `${path}: expired on ${until} (${subject})`), first];
    if (all.some(({ validFrom }) => Date.parse(validFrom) > now))
      return [failed(what, `${path}: not valid yet (${subject})`), first];
    const found = `${path}: ${subject}, valid until ${until}`;
    return [Math.min(...ends) < now + soonMs ? warn(what, `${found}: that is soon`) : ok(what, found), first];
  } catch (error) {
    return [failed(what, unreadable(path, error))];
  }
}

function keyFinding(
  what: string,
  path: string,
  passphrase: string | undefined,
  certificate?: X509Certificate,
): Finding {
  try {
    const key = createPrivateKey({ key: readFileSync(path), ...(passphrase === undefined ? {} : { passphrase }) });
    if (certificate && !certificate.checkPrivateKey(key)) return failed(what, `${path}: is not the certificate's key`);
    return ok(what, `${path}: ${key.asymmetricKeyType ?? 'private'} key`);
  } catch (error) {
    return failed(what, unreadable(path, error));
  }
}

function unreadable(path: string, error: unknown): string {
  return (error as NodeJS.ErrnoException).code === undefined
    ? `${path}: ${(error as Error).message}`
    : `${path}: ${causeOf(error)}`;
}

/** The password and the file of users. */
export function checkUsers(options: {
  requirepass?: string | undefined;
  usersFile?: string | undefined;
}): Promise<Finding> {
  return step('users', () => {
    const users = Users.load(options, (path) => readFileSync(path, 'utf8'));
    if (!users.required) return 'none: whoever connects may do everything';
    const { usersFile } = options;
    return `${users.names.length}${usersFile === undefined ? '' : ` (${usersFile})`}: ${users.names.slice(0, 10).join(', ')}`;
  });
}

/** Whether it could listen on the address. One that is in use may be the program's own. */
export async function checkAddress(what: string, host: string | undefined, port: number): Promise<Finding> {
  const shown = `${host === undefined || host === '' ? '*' : host}:${port}`;
  try {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ port, ...(host ? { host } : {}) }, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return ok(what, `${shown} is free`);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') return warn(what, `${shown} is in use: by this program, if it runs already`);
    if (code === 'EADDRNOTAVAIL') return failed(what, `${shown}: this machine has no such address`);
    if (code === 'EACCES') return failed(what, `${shown}: this user may not listen there`);
    return failed(what, `${shown}: ${message}`);
  }
}

/** Whether a unix socket could be created there. */
export const checkSocketPath = (what: string, path: string): Promise<Finding> =>
  step(what, () => {
    try {
      accessSync(dirname(path), constants.W_OK);
    } catch (error) {
      throw new Error(`${dirname(path)}: ${causeOf(error)}`);
    }
    return path;
  });
