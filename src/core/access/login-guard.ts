// LoginGuard: logs, counts and slows down failed logins, and logs refusals of rights.
import { fail } from '../../errors.js';
import { sleep } from '../clock.js';
import type { Clock } from '../ports.js';
import type { Stats } from '../stats/stats.js';
import type { User } from './user.js';

/** Where log lines go; core knows no logger. */
interface LogSink {
  warn(fields: object, message: string): void;
}

export interface LoginGuardOptions {
  readonly clock: Clock;
  readonly stats: Stats;
  readonly log: LogSink;
}

/** Who tries to log in. */
export interface Login {
  /** The listener that was used. */
  readonly listener: string;
  /** The peer's `host:port` or host; undefined: a unix socket. */
  readonly address: string | undefined;
  /** The user's name if such a user exists: any other text may be a password in the wrong place. */
  readonly user: string | undefined;
}

/** This many failures may be a mistake of a person or a program. */
const freeFailures = 10;
/** Beyond that, one password per this time is checked for all connections of an address, ms. */
const paceMs = 1_000;
/** Logins of an address that may wait for their turn; more are refused unchecked. */
const mostWaiting = 10;
/** After this time without a failure an address starts afresh, ms. */
const forgetMs = 60_000;
/** Addresses remembered; the one with the oldest failure is dropped. */
const mostAddresses = 10_000;
/** A line of one kind and origin is logged once per this time (ms), and at most this many lines of all kinds. */
const quietMs = 60_000;
const mostLines = 60;

interface Suspect {
  failures: number;
  failedAt: number;
  /** When the next password may be checked. */
  openAt: number;
  waiting: number;
  line: Promise<unknown>;
}

export class LoginGuard {
  readonly #options: LoginGuardOptions;
  readonly #suspects = new Map<string, Suspect>();
  readonly #lines: RareLines;

  constructor(options: LoginGuardOptions) {
    this.#options = options;
    this.#lines = new RareLines(options);
  }

  /**
   * Checks a password: at once, or in turn for an address with too many failures. Only that login waits.
   * @param verify returns undefined if name or password are wrong.
   * @throws GatewayError (or rejects with) `too-many-logins`
   */
  login(who: Login, verify: () => User | undefined): User | undefined | Promise<User | undefined> {
    const origin = networkOf(who.address);
    const suspect = this.#suspects.get(origin);
    if (!suspect || suspect.failures < freeFailures) return this.#try(origin, who, verify);
    if (this.#options.clock.monotonic() - suspect.failedAt > forgetMs) {
      this.#suspects.delete(origin);
      return this.#try(origin, who, verify);
    }
    return this.#inTurn(suspect, origin, who, verify);
  }

  /** A user was refused for lack of rights. @param reason the text sent to the client */
  denied(who: Login, reason: string): void {
    this.#options.stats.add('access.denied');
    this.#lines.log(
      `denied ${who.listener} ${who.user}`,
      { ...who, reason },
      'a user was refused what he has no right to',
    );
  }

  #try(origin: string, who: Login, verify: () => User | undefined): User | undefined {
    const user = verify();
    if (!user) this.#failed(origin, who);
    return user;
  }

  /** The right password also waits for its turn: a faster answer would reveal it. */
  async #inTurn(
    suspect: Suspect,
    origin: string,
    who: Login,
    verify: () => User | undefined,
  ): Promise<User | undefined> {
    if (suspect.waiting >= mostWaiting) throw fail('too-many-logins');
    const { clock } = this.#options;
    suspect.waiting += 1;
    const turn = suspect.line.then(async () => {
      const left = suspect.openAt - clock.monotonic();
      if (left > 0) await sleep(clock, left);
      suspect.waiting -= 1;
      return this.#try(origin, who, verify);
    });
    suspect.line = turn.catch(() => {});
    return turn;
  }

  #failed(origin: string, who: Login): void {
    const { clock, stats } = this.#options;
    const now = clock.monotonic();
    const known = this.#suspects.get(origin);
    const suspect = known ?? { failures: 0, failedAt: now, openAt: now, waiting: 0, line: Promise.resolve() };
    if (now - suspect.failedAt > forgetMs) suspect.failures = 0;
    suspect.failures += 1;
    suspect.failedAt = now;
    suspect.openAt = now + paceMs;
    this.#suspects.delete(origin);
    if (this.#suspects.size >= mostAddresses) this.#suspects.delete(this.#suspects.keys().next().value!);
    this.#suspects.set(origin, suspect);
    stats.add('access.logins.failed');
    const fields = { ...who, failures: suspect.failures };
    if (suspect.failures === freeFailures)
      this.#lines.log(
        `slow ${origin}`,
        fields,
        'logins of this address fail again and again: one a second is tried from now on',
      );
    else this.#lines.log(`login ${origin}`, fields, 'a login failed');
  }
}

/** Lines that clients can cause: limited per kind and in all; suppressed lines are counted. */
class RareLines {
  readonly #options: LoginGuardOptions;
  readonly #logged = new Map<string, { at: number; suppressed: number }>();
  #since: number;
  #lines = 0;
  #suppressed = 0;

  constructor(options: LoginGuardOptions) {
    this.#options = options;
    this.#since = options.clock.monotonic();
  }

  log(kind: string, fields: object, message: string): void {
    const now = this.#options.clock.monotonic();
    const logged = this.#logged.get(kind);
    if (logged && now - logged.at < quietMs) {
      logged.suppressed += 1;
      return;
    }
    if (now - this.#since >= quietMs) {
      this.#since = now;
      this.#lines = 0;
    }
    if (this.#lines >= mostLines) {
      this.#suppressed += 1;
      return;
    }
    this.#lines += 1;
    const more = {
      ...(logged?.suppressed ? { suppressed: logged.suppressed } : {}),
      ...(this.#suppressed ? { suppressedInAll: this.#suppressed } : {}),
    };
    this.#suppressed = 0;
    this.#logged.delete(kind);
    if (this.#logged.size >= mostAddresses) this.#logged.delete(this.#logged.keys().next().value!);
    this.#logged.set(kind, { at: now, suppressed: 0 });
    this.#options.log.warn({ ...fields, ...more }, message);
  }
}

/** The origin of one client: an IPv4 address, the first 64 bits of an IPv6 one, the unix socket. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return 'unix';
  const host =
    /^\[(.*)\](?::\d+)?$/.exec(address)?.[1] ??
    (/^[^:]*:\d+$/.test(address) ? address.slice(0, address.lastIndexOf(':')) : address);
  const plain = host.replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) return plain;
  const [front = '', back] = plain.split('::');
  const first = front === '' ? [] : front.split(':');
  const last = back === undefined || back === '' ? [] : back.split(':');
  const gap = back === undefined ? [] : Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return `${[...first, ...gap, ...last].slice(0, 4).join(':')}::`;
}
