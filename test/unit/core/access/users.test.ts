// Users that are read again: rights change under who is logged in, passwords under who comes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../../../../src/core/access/gate.js';
import { LoginGuard } from '../../../../src/core/access/login-guard.js';
import { Users } from '../../../../src/core/access/users.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { ManualClock } from '../../../support/clock.js';
import { basic, hashed } from '../../../support/credentials.js';

const options = { usersFile: 'users.json' };
const text = (entries: readonly object[]) => () => JSON.stringify(entries);
const anna = { name: 'anna', password: hashed('one'), produce: ['a.*'] };
const bert = { name: 'bert', password: hashed('two'), produce: ['*'] };

test('who is logged in has the new rights; who is gone has none', () => {
  const users = Users.load(options, text([anna, bert]));
  const [logged, gone] = [users.authenticate('anna', Buffer.from('one'))!, users.get('bert')!];
  assert.throws(() => logged.checkProduce('b.x'), /no permissions to produce to 'b\.x'/);
  users.reload(options, text([{ ...anna, produce: ['b.*'], admin: true }]));
  logged.checkProduce('b.x');
  logged.checkAdmin();
  assert.equal(users.get('anna'), logged);
  assert.throws(() => logged.checkProduce('a.x'), /no permissions/);
  assert.throws(() => gone.checkProduce('a.x'), /User bert has no permissions/);
  assert.equal(users.authenticate('bert', Buffer.from('two')), undefined);
});

test('a file that can not be used changes nothing', () => {
  const users = Users.load(options, text([anna]));
  assert.throws(() => users.reload(options, () => '[{]'), /users\.json/);
  assert.throws(() => users.reload({}, text([])), /with a restart only/);
  assert.equal(users.authenticate('anna', Buffer.from('one'))?.name, 'anna');
});

test('a password that has changed is asked for anew, in requests without a session too', async () => {
  const users = Users.load(options, text([anna]));
  const clock = new ManualClock();
  const gate = new Gate({
    users,
    protectedMode: true,
    logins: new LoginGuard({ clock, stats: new Stats(), log: silent }),
  });
  const origin = { listener: 'http', address: '127.0.0.1' } as const;
  const header = basic('anna', 'one');
  await gate.logIn(header, origin);
  assert.equal(gate.known(header)?.name, 'anna');
  users.reload(options, text([{ ...anna, password: hashed('other') }]));
  assert.equal(gate.known(header), undefined);
  assert.throws(() => gate.logIn(header, origin), { code: 'wrong-password' });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} } as never;
