// Logins of the console's page: a cookie that scripts cannot read, and a token for what changes something.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { User } from '../../core/access/user.js';
import type { Clock } from '../../core/ports.js';

const cookieName = 'rafka_session';
/** A login ends after this time, ms. */
const lifetimeMs = 12 * 60 * 60 * 1000;
/** Logins kept; the oldest one ends. */
const most = 1_000;

interface Session {
  readonly user: User;
  readonly until: number;
}

export class Sessions {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Session>();
  readonly #secret = randomBytes(32);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Opens a session. @returns the `Set-Cookie` header */
  open(user: User, request: IncomingMessage): string {
    const id = randomBytes(32).toString('base64url');
    if (this.#sessions.size >= most) this.#sessions.delete(this.#sessions.keys().next().value!);
    this.#sessions.set(id, { user, until: this.#clock.monotonic() + lifetimeMs });
    return `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${lifetimeMs / 1000}${secure(request)}`;
  }

  /** The user of a request's cookie; undefined without a session that is still open. */
  userOf(request: IncomingMessage): User | undefined {
    const id = idOf(request);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (session && session.until > this.#clock.monotonic()) return session.user;
    if (id !== undefined) this.#sessions.delete(id);
    return undefined;
  }

  /** Ends the request's session. @returns the `Set-Cookie` header */
  close(request: IncomingMessage): string {
    this.#sessions.delete(idOf(request) ?? '');
    return `${cookieName}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0${secure(request)}`;
  }

  /** The token that an action must carry: other sites' pages cannot read it. */
  tokenOf(request: IncomingMessage, user: User): string {
    return createHmac('sha256', this.#secret)
      .update(`${idOf(request) ?? ''}\0${user.name}`)
      .digest('base64url');
  }

  isToken(request: IncomingMessage, user: User): boolean {
    const given = Buffer.from(String(request.headers['x-csrf-token'] ?? ''));
    const right = Buffer.from(this.tokenOf(request, user));
    return given.length === right.length && timingSafeEqual(given, right);
  }
}

/** Behind a proxy with TLS the browser sends the cookie over TLS only. */
const secure = (request: IncomingMessage): string =>
  request.headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';

const idOf = ({ headers }: IncomingMessage): string | undefined =>
  /(?:^|;\s*)rafka_session=([\w-]+)/.exec(headers.cookie ?? '')?.[1];
