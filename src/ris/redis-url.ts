// Where the replicas' Redis is: one server, with TLS or on a socket, or the master that Sentinels name.
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { RedisOptions } from 'ioredis';

/** What says where Redis is. */
export type RedisPlace = Omit<RedisOptions, 'replyMapping'>;

/** Files (PEM) for TLS to Redis and its Sentinels. */
export interface RedisTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name in the server's certificate, where it is not the URL's host. */
  readonly serverName?: string | undefined;
}

const forms =
  'use redis://[user:password@]host[:6379][/db], rediss:// for TLS, ' +
  'redis-sentinel://[user:password@]host[:26379][,host...]/master[/db] or unix:///path';
const sentinelUrl =
  /^(rediss?)-sentinel:\/\/(?:(?<user>[^@/?#]*)@)?(?<hosts>[^/?#]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const redisPort = 6379;
const sentinelPort = 26379;

/** @throws Error naming what is wrong, never with a password in it */
export function redisOptions(url: string, tls: RedisTls = {}): RedisPlace {
  const isTls = /^rediss(-sentinel)?:/.test(url);
  if (!isTls && Object.values(tls).some((file) => file !== undefined))
    throw new Error('redisTls needs a URL that begins with rediss:// or rediss-sentinel://');
  const secure = isTls ? tlsOptions(tls) : undefined;
  if (/^rediss?-sentinel:/.test(url)) return bySentinels(url, secure);
  if (url.startsWith('unix:')) return onSocket(url);
  const { protocol, hostname, port, username, password, pathname, search, hash } = parsed(url);
  if (!['redis:', 'rediss:'].includes(protocol)) throw new Error(`'${protocol}' is no Redis: ${forms}`);
  if (hostname === '') throw new Error(`no host: ${forms}`);
  if (search !== '' || hash !== '') throw new Error(`nothing may follow the database: ${forms}`);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? redisPort : Number(port),
    ...credentials(username, password),
    db: databaseOf(pathname.slice(1)),
    ...(secure ? { tls: secure } : {}),
  };
}

/** The URL as it may be shown: without passwords. */
export function shownRedisUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@').replace(/(sentinelPassword=)[^&]*/, '$1***');
}

function bySentinels(url: string, secure: ConnectionOptions | undefined): RedisPlace {
  const { user = '', hosts = '', path = '', query = '' } = sentinelUrl.exec(url)?.groups ?? {};
  const [name = '', db = '', ...more] = path.split('/');
  if (hosts === '' || name === '' || more.length > 0)
    throw new Error(`no Sentinels and name of their master: ${forms}`);
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((key) => key !== 'sentinelUsername' && key !== 'sentinelPassword');
  if (unknown !== undefined)
    throw new Error(`unknown parameter '${unknown}': sentinelUsername and sentinelPassword are known`);
  const colon = user.indexOf(':');
  const [username, password] = colon < 0 ? [user, ''] : [user.slice(0, colon), user.slice(colon + 1)];
  const sentinelUsername = parameters.get('sentinelUsername');
  const sentinelPassword = parameters.get('sentinelPassword');
  return {
    name: decoded(name),
    sentinels: hosts.split(',').map(sentinelOf),
    ...credentials(username, password),
    db: databaseOf(db),
    ...(sentinelUsername === null ? {} : { sentinelUsername }),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(secure ? { tls: secure, sentinelTLS: secure, enableTLSForSentinelMode: true } : {}),
  };
}

function sentinelOf(text: string): { host: string; port: number } {
  const { hostname, port } = parsed(`redis://${text}`);
  if (hostname === '' || text !== text.trim()) throw new Error(`'${text}' is no Sentinel: ${forms}`);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? sentinelPort : Number(port) };
}

function onSocket(url: string): RedisPlace {
  const path = /^unix:\/\/(\/[^?#]+)$/.exec(url)?.[1];
  if (path === undefined) throw new Error(`no path of a socket: ${forms}`);
  return { path };
}

function parsed(url: string): URL {
  try {
    return new URL(url);
  } catch {
    // The error of URL itself shows the password.
    throw new Error(`not a URL: ${forms}`);
  }
}

function credentials(username: string, password: string): Pick<RedisOptions, 'username' | 'password'> {
  return {
    ...(username === '' ? {} : { username: decoded(username) }),
    ...(password === '' ? {} : { password: decoded(password) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('a % in it is not followed by two hexadecimal digits: write % itself as %25');
  }
}

function databaseOf(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,5}$/.test(text)) throw new Error(`'${text}' is no number of a database: ${forms}`);
  return Number(text);
}

/** @throws Error naming the key of a file that cannot be read */
function tlsOptions({ caFile, certFile, keyFile, serverName }: RedisTls): ConnectionOptions {
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new Error('redisTls.certFile and redisTls.keyFile belong together');
  return {
    ...(caFile === undefined ? {} : { ca: fileOf('redisTls.caFile', caFile) }),
    ...(certFile === undefined ? {} : { cert: fileOf('redisTls.certFile', certFile) }),
    ...(keyFile === undefined ? {} : { key: fileOf('redisTls.keyFile', keyFile) }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function fileOf(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${key}: ${(error as Error).message}`);
  }
}
