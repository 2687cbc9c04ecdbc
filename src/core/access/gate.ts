// Who a request without a session speaks for (REST, gRPC): its `Authorization`, in the words of HTTP.
import { fail } from '../../errors.js';
import { isLoopback } from './protected-mode.js';
import { everybody, type User } from './user.js';
import type { Users } from './users.js';

export interface GateOptions {
  readonly users: Users;
  /** Without users, refuse clients that are not on this machine. */
  readonly protectedMode: boolean;
}

/** Texts of checked headers that are kept: checking one anew costs a hash. */
const mostKnown = 1_024;

export class Gate {
  readonly #options: GateOptions;
  /** Whom a header's text stands for: it is checked once, not with each request. */
  readonly #known = new Map<string, User>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Requests have to say who they speak for. */
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
   * @param authorization `Basic` with name and password, where no name is the default user; or `Bearer` with a user's token or the default user's
   * password.
   * @throws GatewayError `no-auth`, `wrong-password`
   */
  user(authorization: string | undefined): User {
    const { users } = this.#options;
    if (!users.required) return everybody;
    if (authorization === undefined || authorization === '') throw fail('no-auth');
    const known = this.#known.get(authorization);
    // As of now: a user that is gone, or has other rights since, is not the one that was found.
    if (known !== undefined && users.get(known.name) === known) return known;
    const user = authenticate(users, authorization);
    if (user === undefined) throw fail('wrong-password');
    this.#remember(authorization, user);
    return user;
  }

  #remember(authorization: string, user: User): void {
    if (this.#known.size >= mostKnown) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(authorization, user);
  }
}

function authenticate(users: Users, authorization: string): User | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return users.withToken(Buffer.from(credentials));
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const pair = Buffer.from(credentials, 'base64');
  const colon = pair.indexOf(':');
  if (colon < 0) return undefined;
  return users.authenticate(pair.toString('utf8', 0, colon) || 'default', pair.subarray(colon + 1));
}
