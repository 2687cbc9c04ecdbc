// Users and their rights: one password, or a file of users.
import { createHash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { fail } from '../../errors.js';
import { AccountUser } from './account-user.js';
import { globMatcher } from './glob.js';
import { everybody, type User } from './user.js';

const patterns = z.array(z.string()).default([]);

const hash = z.string().regex(/^#[0-9a-f]{64}$/, "must be '#' and the SHA-256 in lower-case hex");

const account = z.strictObject({
  name: z.string().regex(/^[^\s:\p{C}]+$/u, 'must have no spaces, colons or invisible characters'),
  /** As in Redis' ACL files: `#` and the SHA-256 in hex. */
  password: hash,
  /** For `Authorization: Bearer <token>` on REST and gRPC, each in the form of the password. */
  tokens: z.array(hash).default([]),
  /** Globs of topics and groups, as in KEYS; what matches none is refused. */
  produce: patterns,
  consume: patterns,
  groups: patterns,
  /** Topics that may be deleted (DEL), and whose records may be (XTRIM). */
  delete: patterns,
  admin: z.boolean().default(false),
  /** When this user's RPUSHX is answered; absent: as `resp.rpushx` says. */
  rpushx: z.enum(['queued', 'delivered']).optional(),
});

const usersFile = z.array(account).superRefine((entries, { addIssue }) => {
  if (entries.length === 0) addIssue({ code: 'custom', message: 'holds no user: nobody could log in' });
  const names = entries.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) addIssue({ code: 'custom', message: `holds two users called '${twice}'` });
  const tokens = entries.flatMap((entry) => [...new Set(entry.tokens)]);
  if (new Set(tokens).size < tokens.length) addIssue({ code: 'custom', message: 'holds one token of two users' });
});

type Entry = z.infer<typeof account>;

interface Account {
  readonly user: User;
  readonly hash: Buffer;
  readonly tokens: readonly Buffer[];
  /** What it may do, to compare. */
  readonly rights: string;
}

/** Where users come from; neither: every client may do everything. */
export interface AccessOptions {
  /** Password of the default user. */
  readonly requirepass?: string | undefined;
  readonly usersFile?: string | undefined;
}

const DEFAULT = 'default';
const noHash = Buffer.alloc(32);

/** Who may do nothing. */
const nobodyEntry: Entry = {
  name: DEFAULT,
  password: '',
  tokens: [],
  produce: [],
  consume: [],
  groups: [],
  delete: [],
  admin: false,
};

/** All users of the server. Without any, every client is the default user and may do everything. */
export class Users {
  #accounts: ReadonlyMap<string, Account>;
  #generation = 0;
  #changed: ReadonlySet<User> = new Set();

  constructor(accounts: readonly Account[]) {
    this.#accounts = new Map(accounts.map((account) => [account.user.name, account]));
  }

  /**
   * @param read reads the users file.
   * @throws GatewayError `file-unusable`, naming the file, if it cannot be read or is not a list of users.
   */
  static load(options: AccessOptions, read: (path: string) => string): Users {
    const accounts = options.usersFile === undefined ? [] : readUsers(options.usersFile, read);
    if (options.requirepass !== undefined) {
      if (accounts.some(({ user }) => user.name === DEFAULT))
        throw fail(
          'file-unusable',
          options.usersFile!,
          `holds a user '${DEFAULT}', whose password requirepass sets as well`,
        );
      accounts.push({ user: everybody, hash: sha256(Buffer.from(options.requirepass)), tokens: [], rights: '' });
    }
    return new Users(accounts);
  }

  /** Another one after each reload: what was found of users before may be wrong now. */
  get generation(): number {
    return this.#generation;
  }

  /** Those whose rights are others since the last reload, or who are gone. */
  get changed(): ReadonlySet<User> {
    return this.#changed;
  }

  /**
   * Takes the users as they are now, or leaves everything as it was. Who is logged in stays so, with the new rights; a user that is gone has none.
   * @throws GatewayError `file-unusable`; also where there were users and are none, or the other way round: that takes a restart
   */
  reload(options: AccessOptions, read: (path: string) => string): void {
    const next = Users.load(options, read);
    if (next.required !== this.required)
      throw fail(
        'file-unusable',
        options.usersFile ?? 'requirepass',
        'whether there are users changes with a restart only',
      );
    const accounts = new Map<string, Account>();
    const changed = new Set<User>();
    for (const [name, account] of next.#accounts) {
      const before = this.#accounts.get(name)?.user;
      const { user } = account;
      const isSame = before instanceof AccountUser && user instanceof AccountUser;
      if (isSame) before.become(user);
      if (isSame && this.#accounts.get(name)?.rights !== account.rights) changed.add(before);
      accounts.set(name, isSame ? { ...account, user: before } : account);
    }
    for (const [name, { user }] of this.#accounts) {
      if (accounts.has(name) || !(user instanceof AccountUser)) continue;
      user.become(userOf({ ...nobodyEntry, name }));
      changed.add(user);
    }
    this.#accounts = accounts;
    this.#changed = changed;
    this.#generation += 1;
  }

  /** Clients must authenticate before anything else. */
  get required(): boolean {
    return this.#accounts.size > 0;
  }

  get names(): readonly string[] {
    return this.required ? [...this.#accounts.keys()].sort() : [DEFAULT];
  }

  get(name: string): User | undefined {
    return this.required ? this.#accounts.get(name)?.user : name === DEFAULT ? everybody : undefined;
  }

  /** @returns undefined if the name is unknown or the password wrong; both take the same time. */
  authenticate(name: string, password: Buffer): User | undefined {
    if (!this.required) return this.get(name);
    const account = this.#accounts.get(name);
    const matches = timingSafeEqual(account?.hash ?? noHash, sha256(password));
    return matches ? account?.user : undefined;
  }

  /** The user of a token; the default user's password is one. All are compared, whichever matches. */
  withToken(token: Buffer): User | undefined {
    const given = sha256(token);
    let found: User | undefined;
    for (const { user, hash, tokens } of this.#accounts.values()) {
      for (const each of user.name === DEFAULT ? [hash, ...tokens] : tokens)
        if (timingSafeEqual(each, given)) found = user;
    }
    return found;
  }
}

/** The user of a connection before it authenticates: may do nothing. */
export const nobodyYet: User = userOf(nobodyEntry);

function readUsers(path: string, read: (path: string) => string): Account[] {
  const parsed = usersFile.safeParse(readJson(path, read));
  if (!parsed.success) throw fail('file-unusable', path, z.prettifyError(parsed.error));
  return parsed.data.map((entry) => ({
    hash: bytesOf(entry.password),
    tokens: entry.tokens.map(bytesOf),
    user: new AccountUser(userOf(entry)),
    rights: JSON.stringify([entry.produce, entry.consume, entry.groups, entry.delete, entry.admin]),
  }));
}

const bytesOf = (hash: string): Buffer => Buffer.from(hash.slice(1), 'hex');

function readJson(path: string, read: (path: string) => string): unknown {
  try {
    return JSON.parse(read(path));
  } catch (error) {
    throw fail('file-unusable', path, (error as Error).message);
  }
}

function userOf(entry: Entry): User {
  const mayProduce = anyOf(entry.produce);
  const mayConsume = anyOf(entry.consume);
  const mayJoin = anyOf(entry.groups);
  const mayDelete = anyOf(entry.delete);
  const refuse = (what: string): never => {
    throw fail('not-permitted', `User ${entry.name} has no permissions to ${what}`);
  };
  return {
    name: entry.name,
    isAdmin: entry.admin,
    ...(entry.rpushx ? { rpushx: entry.rpushx } : {}),
    rules: [
      ...entry.produce.map((topic) => `%W~topics:${topic}`),
      ...entry.consume.map((topic) => `%R~topics:${topic}`),
      ...entry.delete.map((topic) => `(+del +xtrim ~topics:${topic})`),
      entry.admin ? '+@all' : '+@all -@admin',
    ].join(' '),
    checkProduce: (topic) => mayProduce(topic) || refuse(`produce to '${topic}'`),
    checkConsume(group, topics, kafkaGroup = group) {
      if (!mayJoin(group) && !mayJoin(kafkaGroup)) refuse(`join the group '${group}'`);
      for (const topic of topics) if (!mayConsume(topic)) refuse(`consume '${topic}'`);
    },
    checkDelete: (topic) => mayDelete(topic) || refuse(`delete '${topic}' or records of it`),
    checkAdmin: () => entry.admin || refuse('run this command: it needs an admin'),
    mayJoin,
    maySee: (topic) => mayProduce(topic) || mayConsume(topic),
  };
}

function anyOf(globs: readonly string[]): (name: string) => boolean {
  const tests = globs.map((glob) => globMatcher(glob));
  return (name) => tests.some((matches) => matches(name));
}

const sha256 = (password: Buffer): Buffer => createHash('sha256').update(password).digest();
