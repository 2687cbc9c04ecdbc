// Users, names and budgets: who may what, who carries which name, who holds how much.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { everybody } from '../../../../src/core/access/user.js';
import { nobodyYet, Users } from '../../../../src/core/access/users.js';
import { MemoryBudget, type Spender } from '../../../../src/core/memory/memory-budget.js';
import { GatewayError } from '../../../../src/errors.js';
import { Identities, identityKey } from '../../../../src/resp/clients/identity.js';
import { type Carrier, Names } from '../../../../src/resp/clients/names.js';
import { noSiblings } from '../../../../src/resp/siblings/siblings.js';
import { hashed } from '../../../support/credentials.js';

const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;

const read = (path: string): string => readFileSync(path, 'utf8');

function load(entries: unknown, requirepass?: string): Users {
  const dir = mkdtempSync(join(tmpdir(), 'users-'));
  const usersFile = join(dir, 'users.json');
  writeFileSync(usersFile, typeof entries === 'string' ? entries : JSON.stringify(entries));
  try {
    return Users.load({ usersFile, requirepass }, read);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('users', () => {
  const app = { name: 'app', password: hashed('secret'), produce: ['orders.*'], consume: ['a', 'b?'], groups: ['g-*'] };

  test('without users, everybody is the default user', () => {
    const users = Users.load({}, read);
    assert.equal(users.required, false);
    assert.equal(users.authenticate('default', Buffer.from('anything')), everybody);
    assert.equal(users.authenticate('other', Buffer.from('anything')), undefined);
  });

  test('a password, right and wrong', () => {
    const users = Users.load({ requirepass: 'sesame' }, read);
    assert.equal(users.required, true);
    assert.equal(users.authenticate('default', Buffer.from('sesame'))?.isAdmin, true);
    assert.equal(users.authenticate('default', Buffer.from('Sesame')), undefined);
    assert.equal(users.authenticate('default', Buffer.from('')), undefined);
    assert.equal(users.authenticate('nobody', Buffer.alloc(0)), undefined);
  });

  test('a user may what the file says and nothing else', () => {
    const user = load([app]).authenticate('app', Buffer.from('secret'));
    assert.ok(user);
    user.checkProduce('orders.new');
    user.checkConsume('g-1', ['a', 'bx']);
    assert.throws(() => user.checkProduce('other'), code('not-permitted'));
    assert.throws(() => user.checkConsume('g-1', ['a', 'orders.new']), code('not-permitted'));
    assert.throws(() => user.checkConsume('h', ['a']), code('not-permitted'));
    assert.throws(() => user.checkAdmin(), code('not-permitted'));
    assert.equal(user.maySee('a'), true);
    assert.equal(user.maySee('orders.new'), true);
    assert.equal(user.maySee('other'), false);
  });

  test('a file of users leaves no default user, unless it has a password', () => {
    assert.equal(load([app]).authenticate('default', Buffer.from('')), undefined);
    assert.equal(load([app], 'sesame').authenticate('default', Buffer.from('sesame'))?.isAdmin, true);
  });

  test('a file that is wrong is refused, naming what is wrong', () => {
    assert.throws(() => load([{ ...app, password: 'plain' }]), /users\.json: .*SHA-256/);
    assert.throws(() => load('{'), /users\.json: .*JSON/);
    assert.throws(() => Users.load({ usersFile: '/none/users.json' }, read), code('file-unusable'));
    assert.throws(() => load([{ ...app, typo: true }]), /typo/);
    assert.throws(() => load({}), /array/);
  });

  test('an empty file made everybody an admin, of two users of one name the last one counted', () => {
    assert.throws(() => load([]), /users\.json: .*holds no user/);
    assert.throws(() => load([], 'sesame'), /holds no user/);
    assert.throws(() => load([app, { ...app, password: hashed('other') }]), /two users called 'app'/);
    assert.throws(() => load([{ ...app, name: 'default' }], 'sesame'), /'default'.*requirepass/);
    for (const name of ['a\0b', 'a\nb', 'a b', 'a:b', '', 'a\u200b'])
      assert.throws(() => load([{ ...app, name }]), /name/, JSON.stringify(name));
  });

  test('to delete is a right of its own', () => {
    const user = load([{ ...app, delete: ['orders.*'] }]).get('app')!;
    user.checkDelete('orders.new');
    assert.throws(() => user.checkDelete('a'), code('not-permitted'));
    assert.match(user.rules, /\(\+del \+xtrim ~topics:orders\.\*\)/);
    everybody.checkDelete('a');
  });

  test('nobody may anything', () => {
    assert.throws(() => nobodyYet.checkProduce('a'), code('not-permitted'));
    assert.throws(() => nobodyYet.checkAdmin(), code('not-permitted'));
  });
});

describe('names', () => {
  const siblings = noSiblings(0);
  const carrier = (name = '', user = everybody): Carrier => ({ name, user });

  test('an identity stays, a display name may change', () => {
    const names = new Names({ strict: false, siblings });
    names.check(carrier('display'), 'g:c');
    names.check(carrier('g:c'), 'g:c');
    assert.throws(() => names.check(carrier('g:c'), 'g:other'), code('id-already-set'));
    for (const name of ['a b', 'ü', 'a\n']) assert.throws(() => names.check(carrier(), name), code('name-illegal'));
  });

  test('strict: unique for each user, free when released', () => {
    const names = new Names<Carrier>({ strict: true, siblings });
    const first = { name: '', user: everybody };
    names.check(first, 'g:c');
    first.name = 'g:c';
    assert.throws(() => names.check(carrier(), 'g:c'), code('id-taken'));
    names.check(carrier('', { ...everybody, name: 'other' }), 'g:c');
    names.release(first);
    names.check(carrier(), 'g:c');
  });

  test('the first that consumes owns a name until it is released; users never meet', () => {
    const identities = new Identities<object>(siblings);
    const [a, b] = [{}, {}];
    identities.claim('g:c', 'default', a);
    identities.claim('g:c', 'default', a);
    assert.throws(() => identities.claim('g:c', 'default', b), code('id-taken'));
    identities.claim('g:c', 'other', b);
    assert.equal(identities.owner(identityKey('g:c', 'default')), a);
    identities.release(a);
    assert.equal(identities.owner(identityKey('g:c', 'default')), undefined);
    assert.equal(identities.owner(identityKey('g:c', 'other')), b);
  });
});

describe('query budget', () => {
  const spender = (heldBytes: number): Spender & { heldBytes: number; evicted: boolean } => ({
    heldBytes,
    evicted: false,
    evict() {
      this.evicted = true;
    },
  });

  test('over the limit the largest goes, and only as many as must', () => {
    const budget = new MemoryBudget(100);
    const [small, large, middle] = [spender(10), spender(60), spender(25)];
    for (const each of [small, large, middle]) budget.settle(each);
    assert.equal(budget.total, 95);
    middle.heldBytes = 40;
    budget.settle(middle);
    assert.deepEqual([small.evicted, large.evicted, middle.evicted], [false, true, false]);
    assert.equal(budget.total, 50);
    budget.release(small);
    middle.heldBytes = 0;
    budget.settle(middle);
    assert.equal(budget.total, 0);
  });
});
