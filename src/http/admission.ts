// Admits requests and finds their user: by peer, Host, the web page that sent it, credentials. See docs/decisions/0019.
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Gate, Origin } from '../core/access/gate.js';
import { globMatcher } from '../core/access/glob.js';
import { isLoopback } from '../core/access/protected-mode.js';
import type { User } from '../core/access/user.js';
import { fail } from '../errors.js';

/** Cached valid Host headers; clients send the same one. */
const mostKnownHosts = 64;

export class Admission {
  readonly #gate: Gate;
  readonly #isAllowed: (name: string) => boolean;
  readonly #knownHosts = new Set<string>();
  /** Connections of other machines, if those are refused. */
  readonly #foreign = new WeakSet<Socket>();

  /** @param allowedHosts globs of names that clients may call this server by, and of hosts whose web pages may use it. */
  constructor(gate: Gate, allowedHosts: readonly string[]) {
    this.#gate = gate;
    const globs = allowedHosts.map((glob) => globMatcher(glob, { ignoreCase: true }));
    this.#isAllowed = (name) => globs.some((matches) => matches(name));
  }

  /** A new connection is checked now: a closed one has no address, and would count as one of this machine. */
  meet(socket: Socket): void {
    if (!this.#gate.isLocalOnly) return;
    if (socket.remoteAddress === undefined && socket.localAddress !== undefined) socket.destroy();
    else if (!isLoopback(socket.remoteAddress)) this.#foreign.add(socket);
  }

  /**
   * Returns a promise only if an address with too many failed logins must wait for its turn.
   * @throws GatewayError `protected-mode`, `host-refused`, `origin-refused`, `no-auth`; or rejects with `wrong-password`, `too-many-logins`
   */
  admit(request: IncomingMessage): User | Promise<User> {
    this.vet(request);
    const { authorization } = request.headers;
    return this.#gate.known(authorization) ?? this.logIn(authorization ?? '', request);
  }

  /** All but the user: the client's address, the name it calls the server by, the page that sent it. @throws GatewayError as admit() */
  vet(request: IncomingMessage): void {
    if (this.#gate.isLocalOnly && this.#foreign.has(request.socket)) throw fail('protected-mode');
    const { host, origin, 'sec-fetch-site': site } = request.headers;
    if (!this.#gate.hasUsers) this.#checkHost(host);
    if (origin !== undefined) this.#checkOrigin(origin, host);
    // An image or a link sends no Origin.
    else if (site === 'cross-site') throw fail('origin-refused', 'another site');
  }

  /** Checks credentials. @throws GatewayError (or rejects with) `wrong-password`, `too-many-logins` */
  logIn(authorization: string, request: IncomingMessage): User | Promise<User> {
    return this.#gate.logIn(authorization, originOf(request));
  }

  /** Whether a user who logged in before is still one. */
  isUser(user: User): boolean {
    return this.#gate.isUser(user);
  }

  /** The request's user lacks the right. @param reason the text sent to the client */
  denied(request: IncomingMessage, reason: string): void {
    this.#gate.denied(request.headers.authorization, originOf(request), reason);
  }

  /**
   * A page whose name was made to point here (DNS rebinding) has the same origin for its browser and can read this server's answers. It
   * cannot control the name that the browser sends, which has a dot: addresses and names of containers are accepted.
   * With users a page would need their credentials, which the browser stores for another name.
   */
  #checkHost(host: string | undefined): void {
    if (host === undefined || this.#knownHosts.has(host)) return;
    const name = nameOf(host);
    if (name.includes('.') && isIP(name) === 0 && !isLocalName(name) && !this.#isAllowed(name))
      throw fail('host-refused', name);
    if (this.#knownHosts.size < mostKnownHosts) this.#knownHosts.add(host);
  }

  /** A page of another site needs no answer to produce, or to take a group's messages: its browser sends the request, with stored credentials. */
  #checkOrigin(origin: string, host: string | undefined): void {
    const of = /^[a-z][a-z0-9+.-]*:\/\/([^/]+)$/i.exec(origin)?.[1];
    const name = of === undefined ? undefined : nameOf(of);
    const isSame = of !== undefined && of.toLowerCase() === host?.toLowerCase();
    const isOfThisMachine = name !== undefined && isLocalName(name) && host !== undefined && isLocalName(nameOf(host));
    if (!isSame && !isOfThisMachine && (name === undefined || !this.#isAllowed(name)))
      throw fail('origin-refused', origin);
  }
}

/** A peer that has reset its connection has no address any more: it belongs to no machine, and not to the unix socket. */
const originOf = ({ socket }: IncomingMessage): Origin => ({
  listener: 'http',
  address: socket.remoteAddress ?? (socket.destroyed ? '' : undefined),
});

/** Without the port, brackets and a final dot, in lower case. */
function nameOf(host: string): string {
  const [, six, name = host] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (six ?? name).toLowerCase().replace(/\.$/, '');
}

const isLocalName = (name: string): boolean =>
  name === 'localhost' || name.endsWith('.localhost') || (isIP(name) !== 0 && isLoopback(name));
