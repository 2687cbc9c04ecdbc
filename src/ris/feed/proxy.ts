// A way to RIS Live through an HTTP proxy: CONNECT, then TLS inside the tunnel (RFC 9110 9.3.6).
import { Agent, type ClientRequestArgs, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Clock } from '../../core/ports.js';

type Callback = (error: Error | null, socket?: Duplex) => void;

/** The agent of a websocket that goes through a proxy; undefined without one. @param timeoutMs for the proxy's answer */
export function proxyAgent(proxy: string | undefined, url: string, timeoutMs: number, clock: Clock): Agent | undefined {
  if (proxy === undefined || proxy === '') return undefined;
  return new TunnelAgent(new URL(proxy), new URL(url).protocol === 'wss:', timeoutMs, clock);
}

/** Whether a text names a proxy, or none. */
export function isProxy(text: string): boolean {
  if (text === '') return true;
  const { protocol = '', hostname = '' } = URL.parse(text) ?? {};
  return /^https?:$/.test(protocol) && hostname !== '';
}

/** What HTTPS_PROXY, HTTP_PROXY (ALL_PROXY) and NO_PROXY say of a URL, in small or capital letters. */
export function proxyFrom(env: Readonly<Record<string, string | undefined>>, url: string): string | undefined {
  const target = URL.parse(url);
  if (target === null) return undefined;
  const named = (name: string): string | undefined => env[name.toLowerCase()] || env[name] || undefined;
  const port = target.port || (target.protocol === 'wss:' ? '443' : '80');
  if (isExcluded(target.hostname.replace(/^\[(.*)\]$/, '$1'), port, named('NO_PROXY') ?? '')) return undefined;
  const proxy = named(target.protocol === 'wss:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? named('ALL_PROXY');
  return proxy === undefined || proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** An entry is a host, which stands for its subdomains too, perhaps with a port; `*` is every host. */
function isExcluded(host: string, port: string, list: string): boolean {
  return list.split(',').some((text) => {
    const [, name = '', only] = /^\s*\*?\.?(.*?)(?::(\d+))?\s*$/.exec(text) ?? [];
    if (text.trim() === '*') return true;
    if (name === '' || (only !== undefined && only !== port)) return false;
    return host === name.toLowerCase() || host.endsWith(`.${name.toLowerCase()}`);
  });
}

class TunnelAgent extends Agent {
  /** Node compares it with the request's. */
  readonly protocol: string;
  readonly #proxy: URL;
  readonly #isTls: boolean;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor(proxy: URL, isTls: boolean, timeoutMs: number, clock: Clock) {
    super();
    this.#proxy = proxy;
    this.#isTls = isTls;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.protocol = isTls ? 'https:' : 'http:';
  }

  override createConnection(options: ClientRequestArgs, done: Callback): undefined {
    const { username, password, protocol, hostname, port } = this.#proxy;
    const isSecure = protocol === 'https:';
    const host = String(options.host ?? options.hostname);
    const authority = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? (this.#isTls ? 443 : 80)}`;
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      method: 'CONNECT',
      path: authority,
      agent: false,
      headers: {
        host: authority,
        ...(username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }),
      },
    });
    const fail = (reason: string): void => done(new Error(`proxy ${hostname}: ${reason}`));
    request.once('error', (error) => fail(error.message));
    const cancel = this.#clock.after(this.#timeoutMs, () =>
      request.destroy(new Error(`no answer within ${this.#timeoutMs} ms`)),
    );
    request.once('close', cancel);
    request.once('response', ({ statusCode }) => {
      request.destroy();
      fail(`answers ${statusCode}`);
    });
    request.once('connect', ({ statusCode }, socket, head) => {
      cancel();
      if (statusCode !== 200) {
        socket.destroy();
        return fail(`answers ${statusCode}`);
      }
      // A proxy whose peer speaks first may send its first octets with the answer.
      if (head.length > 0) socket.unshift(head);
      done(null, this.#isTls ? tlsConnect({ socket, servername: host }) : socket);
    });
    request.end();
  }
}
