// Finds the user of a request without a session (REST, gRPC) from its `Authorization` header.
import { fail } from '../../errors.js';
import type { Login, LoginGuard } from './login-guard.js';
import { isLoopback } from './protected-mode.js';
import { everybody, type User } from './user.js';
import type { Users } from './users.js';

export interface GateOptions {
  readonly users: Users;
  /** Without users, refuse clients of other machines. */
  readonly protectedMode: boolean;
  readonly logins: LoginGuard;
}

/** The request's origin. */
export type Origin = Omit<Login, 'user'>;

/** Checked header texts that are cached: checking one anew costs a hash. */
const mostKnown = 1_024;

export class Gate {
  readonly #options: GateOptions;
  /** The user of a header text: it is checked once, not with each request. */
  readonly #known = new Map<string, User>();
  #generation = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Requests must authenticate. */
  get hasUsers(): boolean {
    return this.#options.users.required;
  }

  /** Clients of other machines are refused. */
  get isLocalOnly(): boolean {
    return this.#options.protectedMode && !this.hasUsers;
  }

  /** @param address undefined: a unix socket's peer. @throws GatewayError `protected-mode` */
  checkPeer(address: string | undefined): void {
    if (this.isLocalOnly && !isLoopback(address)) throw fail('protected-mode');
  }

  /**
   * The user of a header that was valid before; the default user where there are no users; undefined: log in.
   * @throws GatewayError `no-auth`
   */
  known(authorization: string | undefined): User | undefined {
    const { users } = this.#options;
    if (!users.required) return everybody;
    if (authorization === undefined || authorization === '') throw fail('no-auth');
    if (users.generation !== this.#generation) {
      this.#generation = users.generation;
      this.#known.clear();
    }
    const user = this.#known.get(authorization);
    // Looked up anew: the user may be gone or have other rights by now.
    return user !== undefined && users.get(user.name) === user ? user : undefined;
  }

  /**
   * Checks a header. Returns a promise only if an address with too many failures must wait for its turn.
   * @param authorization `Basic` with name and password (no name: the default user), or `Bearer` with a user's token or the default user's
   * password.
   * @throws GatewayError (or rejects with) `wrong-password`, `too-many-logins`
   */
  logIn(authorization: string, origin: Origin): User | Promise<User> {
    const { users, logins } = this.#options;
    const credentials = credentialsOf(authorization);
    const login = { ...origin, user: credentials?.name && users.get(credentials.name)?.name };
    const found = logins.login(login, () => credentials?.verify(users));
    const known = (user: User | undefined): User => this.#remember(authorization, user);
    return found instanceof Promise ? found.then(known) : known(found);
  }

  /** Whether a user who logged in before is still one. */
  isUser(user: User): boolean {
    return this.#options.users.get(user.name) === user;
  }

  /** A request was refused for lack of rights: logged and counted. @param reason the text sent to the client */
  denied(authorization: string | undefined, origin: Origin, reason: string): void {
    this.#options.logins.denied({ ...origin, user: this.#known.get(authorization ?? '')?.name }, reason);
  }

  #remember(authorization: string, user: User | undefined): User {
    if (user === undefined) throw fail('wrong-password');
    if (this.#known.size >= mostKnown) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(authorization, user);
    return user;
  }
}

interface Credentials {
  /** Shown in place of a user's name. */
  readonly name?: string;
  readonly verify: (users: Users) => User | undefined;
}

function credentialsOf(authorization: string): Credentials | undefined {
  const [, scheme = '', text = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return { verify: (users) => users.withToken(Buffer.from(text)) };
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(text, 'base64');
  const colon = pair.indexOf(':');
  if (colon < 0) return undefined;
  const name = pair.toString('utf8', 0, colon) || 'default';
  return { name, verify: (users) => users.authenticate(name, pair.subarray(colon + 1)) };
}
