// Who a request of REST or gRPC speaks for: headers are checked once, failures are told, counted and slowed down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../../../../src/core/access/gate.js';
import { LoginGuard } from '../../../../src/core/access/login-guard.js';
import { everybody } from '../../../../src/core/access/user.js';
import { Users } from '../../../../src/core/access/users.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { GatewayError } from '../../../../src/errors.js';
import { ManualClock } from '../../../support/clock.js';
import { hashed } from '../../../support/credentials.js';

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
const code = (expected: string) => (error: unknown) => error instanceof GatewayError && error.code === expected;
const app = { name: 'app', password: hashed('secret:1'), tokens: [hashed('t1'), hashed('t2')] };
const origin = { listener: 'http', address: '10.0.0.1' };

function make(entries: object[] = [app], requirepass?: string) {
  const clock = new ManualClock();
  const stats = new Stats();
  const lines: object[] = [];
  const log = { warn: (fields: object, message: string) => lines.push({ ...fields, message }) };
  const users = Users.load({ requirepass, ...(entries.length > 0 ? { usersFile: 'u' } : {}) }, () =>
    JSON.stringify(entries),
  );
  const gate = new Gate({ users, protectedMode: true, logins: new LoginGuard({ clock, stats, log }) });
  return { clock, stats, lines, gate };
}

test('where there are no users everybody is let in, whatever he says', () => {
  const { gate } = make([]);
  assert.equal(gate.known(undefined), everybody);
  assert.equal(gate.known(basic('who:ever')), everybody);
});

test('a header that was right is known from then on; one that was wrong is not', () => {
  const { gate } = make();
  assert.throws(() => gate.known(undefined), code('no-auth'));
  for (const right of [basic('app:secret:1'), 'Bearer t1', 'BEARER  t2']) {
    assert.equal(gate.known(right), undefined);
    assert.equal((gate.logIn(right, origin) as { name: string }).name, 'app');
    assert.equal(gate.known(right)?.name, 'app');
  }
  for (const wrong of [basic('app:secret'), basic('app'), 'Bearer secret:1', 'Bearer', 'app:secret:1']) {
    assert.throws(() => gate.logIn(wrong, origin), code('wrong-password'));
    assert.equal(gate.known(wrong), undefined);
  }
});

test('no more headers are remembered than a client should be able to make us keep', () => {
  const { gate } = make([app], 'pw');
  const header = (index: number): string => `${basic('app:secret:1')}${' '.repeat(index)}`;
  for (let index = 0; index < 2_000; index++) gate.logIn(header(index), origin);
  assert.equal(gate.known(header(0)), undefined);
  assert.equal(gate.known(header(1_999))?.name, 'app');
});

test('the password of a user is no token, and one token is of one user', () => {
  assert.throws(() => make([app, { ...app, name: 'other' }]), /holds one token of two users/);
  assert.doesNotThrow(() => make([app, { ...app, name: 'other', tokens: [] }]));
});

test('failed logins are told and counted, without what may be a password; after ten of them one a second is tried', async () => {
  const { clock, gate, lines, stats } = make();
  for (let times = 0; times < 10; times++)
    assert.throws(() => gate.logIn(basic(times % 2 ? 'app:no' : 'pw-as-name:no'), origin), code('wrong-password'));
  assert.equal(stats.snapshot()['access.logins.failed'], 10);
  assert.ok(!JSON.stringify(lines).includes('pw-as-name'), JSON.stringify(lines));
  const right = basic('app:secret:1');
  const waiting = gate.logIn(right, origin);
  assert.ok(waiting instanceof Promise, 'the right one waits as well');
  const others = Array.from({ length: 9 }, () => gate.logIn(right, origin));
  await assert.rejects(Promise.resolve(gate.logIn(right, origin)), code('too-many-logins'));
  for (let times = 0; times < 10; times++) await clock.advance(1_000);
  await Promise.all(others);
  assert.equal((await waiting).name, 'app');
  assert.equal(gate.known(right)?.name, 'app', 'who is in does not wait again');
  assert.equal((gate.logIn('Bearer t1', { listener: 'grpc', address: '10.0.0.2' }) as { name: string }).name, 'app');
  gate.denied(right, origin, 'User app has no permissions to ...');
  assert.equal(stats.snapshot()['access.denied'], 1);
});
