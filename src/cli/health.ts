// `rafka health`: asks a running job whether it is healthy. One line, and an exit code.
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Command } from 'commander';
import type { Config } from '../app/config.js';
import type { PixyFile } from '../pixy/file.js';
import type { RelayConfig } from '../relay/config/config.js';
import { parseListenAddress } from '../relay/config/listen-address.js';
import type { Job } from './forms.js';
import { type Environment, loadGateway, loadPixyJob, loadRelay, loadRis } from './load.js';
import { splitAddress } from './split-address.js';

/** Addresses of a job. */
export type Target =
  | { readonly kind: 'resp'; readonly where: Where; readonly tls: boolean; readonly password: string | undefined }
  | { readonly kind: 'http'; readonly where: Where; readonly tls: boolean; readonly path: string }
  | { readonly kind: 'port'; readonly where: Where }
  /** The configuration opens no port: only the process can be checked. */
  | { readonly kind: 'none'; readonly hint: string };

type Where = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Verdict {
  readonly isWell: boolean;
  readonly line: string;
}

/** Time limit of an answer, ms. A readiness probe asks Kafka, which may take 2.5 s. */
const answerMs = 4_000;

/** The gateway answers PING; only its HTTP ports know whether it is ready. */
function gatewayTarget({ resp, ops, http }: Config, wantsReady: boolean): Target {
  if (wantsReady) {
    const listener = ops ?? http;
    if (!listener) return { kind: 'none', hint: 'no ops port is configured (--ops-port, ops.port)' };
    return {
      kind: 'http',
      where: at(listener.host, listener.port),
      tls: !ops && http?.tls !== undefined,
      path: '/readyz',
    };
  }
  const { unixSocket, host, port, tls, requirepass: password } = resp;
  // A port chosen by the system is unknown here.
  if (port === 0 && unixSocket !== undefined)
    return { kind: 'resp', where: { path: unixSocket }, tls: false, password };
  return { kind: 'resp', where: at(host, port), tls: tls !== undefined, password };
}

function risTarget({ ops }: Config, wantsReady: boolean): Target {
  if (!ops) return { kind: 'none', hint: 'no ops port is configured (--ops-port, ops.port)' };
  return { kind: 'http', where: at(ops.host, ops.port), tls: false, path: wantsReady ? '/readyz' : '/healthz' };
}

function relayTarget({ app }: RelayConfig, wantsReady: boolean): Target {
  const { host = '', port } = parseListenAddress(app.metrics_server_addr);
  return { kind: 'http', where: at(host, port), tls: false, path: wantsReady ? '/readyz' : '/healthz' };
}

function pixyTarget({ tcpAddr, unixAddr, grpcAddr, tls }: PixyFile, wantsReady: boolean): Target {
  const path = wantsReady ? '/readyz' : '/_ping';
  const unix = unixAddr || (tcpAddr.includes(':') ? '' : tcpAddr);
  if (tcpAddr.includes(':')) return { kind: 'http', where: address(tcpAddr), tls: tls.certificatePath !== '', path };
  if (unix !== '') return { kind: 'http', where: { path: unix }, tls: false, path };
  if (wantsReady) return { kind: 'none', hint: 'no HTTP address is configured (tcp_addr)' };
  return { kind: 'port', where: address(grpcAddr) };
}

/** @throws ConfigError for a configuration that the job would refuse */
export async function healthOf(
  job: Job,
  command: Command,
  env: Environment,
  { wantsReady, pid }: { readonly wantsReady: boolean; readonly pid: number | undefined },
): Promise<Verdict> {
  return ask(await targetOf(job, command, env, wantsReady), pid);
}

async function targetOf(job: Job, command: Command, env: Environment, wantsReady: boolean): Promise<Target> {
  if (job === 'gateway') return gatewayTarget(await loadGateway(command, env, true), wantsReady);
  if (job === 'ris') return risTarget((await loadRis(command, env, true)).config, wantsReady);
  if (job === 'pixy') return pixyTarget(loadPixyJob(command, env), wantsReady);
  return relayTarget((await loadRelay(command, env)).config, wantsReady);
}

/** Never rejects. @param pid the job's process, if known */
export async function ask(target: Target, pid: number | undefined): Promise<Verdict> {
  if (target.kind === 'none')
    return pid === undefined
      ? { isWell: false, line: `cannot be asked: ${target.hint}` }
      : { isWell: true, line: `process ${pid} runs; nothing more can be asked: ${target.hint}` };
  const shown = shownAs(target.where);
  try {
    const answer = await { resp: askResp, http: askHttp, port: askPort }[target.kind](target as never);
    return { isWell: true, line: `${shown} ${answer}` };
  } catch (error) {
    return { isWell: false, line: `${shown} ${causeOf(error)}` };
  }
}

/** A gateway that requires a password or a certificate is alive. */
function askResp({ where, tls, password }: Extract<Target, { kind: 'resp' }>): Promise<string> {
  return withSocket(where, tls, (socket, done, fail) => {
    let got = '';
    socket.on('data', (chunk) => {
      got += chunk;
      if (got.includes('+PONG\r\n')) done('answers PING');
      else if (got.startsWith('-NOAUTH') || got.startsWith('-WRONGPASS')) done('answers, and asks for a password');
      else if (got.startsWith('-') && got.endsWith('\r\n')) fail(new Error(`answers PING with ${got.trim()}`));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.endsWith('CERTIFICATE_REQUIRED')) done('answers, and asks for a client certificate');
    });
    socket.write(password === undefined ? command('PING') : command('AUTH', password) + command('PING'));
  });
}

const askPort = ({ where }: Extract<Target, { kind: 'port' }>): Promise<string> =>
  withSocket(where, false, (socket, done) => {
    socket.once('connect', () => done('takes connections'));
  });

type Use = (socket: Socket, done: (answer: string) => void, fail: (error: Error) => void) => void;

async function withSocket(where: Where, tls: boolean, use: Use): Promise<string> {
  // The certificate's owner does not matter here: the question is whether the server answers.
  const socket = tls ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where);
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.setTimeout(answerMs, () => reject(new Error(`does not answer within ${answerMs / 1_000} s`)));
      use(socket, resolve, reject);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closes the connection')));
    });
  } finally {
    socket.destroy();
  }
}

function askHttp({ where, tls, path }: Extract<Target, { kind: 'http' }>): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = 'path' in where ? { socketPath: where.path } : where;
    const get = tls ? getHttps : getHttp;
    const request = get({ ...target, path, timeout: answerMs, agent: false, rejectUnauthorized: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += body.length < 2_000 ? chunk : '';
      });
      response.on('end', () => {
        const said = body.trim().split('\n').join('; ');
        if (response.statusCode === 200) resolve(`answers ${path}: ${said}`);
        else reject(new Error(`answers ${path} with ${response.statusCode}: ${said}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`does not answer within ${answerMs / 1_000} s`)));
    request.on('error', reject);
  });
}

const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** A server that listens on all addresses is asked on loopback. */
const at = (host: string, port: number): Where => ({
  host: ['', '0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host,
  port,
});

function address(text: string): Where {
  const { host, port = Number.NaN } = splitAddress(text);
  return at(host, port);
}

const shownAs = (where: Where): string => ('path' in where ? where.path : `${where.host}:${where.port}`);

/** Node's own texts repeat the address. */
export function causeOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ECONNREFUSED: 'refuses the connection: nothing listens there',
    ENOENT: 'does not exist',
    ENOTFOUND: 'has a name that does not resolve',
    EAI_AGAIN: 'has a name that cannot be resolved now',
    EHOSTUNREACH: 'cannot be reached',
    ENETUNREACH: 'cannot be reached',
    ECONNRESET: 'closes the connection',
    EACCES: 'may not be used by this user',
    ETIMEDOUT: 'does not answer',
  };
  return known[code ?? ''] ?? message;
}
