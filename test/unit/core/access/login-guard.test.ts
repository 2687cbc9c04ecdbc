// Passwords that are tried one after another: told, counted, slowed down, and nobody else has to wait.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoginGuard, networkOf } from '../../../../src/core/access/login-guard.js';
import { everybody, type User } from '../../../../src/core/access/user.js';
import { Stats } from '../../../../src/core/stats/stats.js';
import { GatewayError } from '../../../../src/errors.js';
import { ManualClock } from '../../../support/clock.js';

function make() {
  const clock = new ManualClock();
  const stats = new Stats();
  const lines: { fields: Record<string, unknown>; message: string }[] = [];
  const warn = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message });
  const guard = new LoginGuard({ clock, stats, log: { warn } });
  const login = (address: string | undefined, found?: User) =>
    guard.login({ listener: 'resp', address, user: 'app' }, () => found);
  const fail = (address: string | undefined, times: number) => {
    for (let i = 0; i < times; i++) assert.equal(login(address), undefined);
  };
  return { clock, stats, lines, guard, login, fail };
}

describe('logins', () => {
  it('ten failures are answered at once; then one password a second is tried for the address, the right one too', async () => {
    const { clock, stats, login, fail } = make();
    fail('10.0.0.1:40000', 10);
    const answers: (User | undefined)[] = [];
    for (const found of [undefined, everybody, undefined]) {
      const later = login(`10.0.0.1:${40001 + answers.length}`, found);
      assert.ok(later instanceof Promise);
      void later.then((user) => answers.push(user));
    }
    await clock.advance(999);
    assert.deepEqual(answers, []);
    await clock.advance(1);
    assert.deepEqual(answers, [undefined]);
    await clock.advance(1_000);
    assert.deepEqual(answers, [undefined, everybody, undefined]);
    assert.equal(stats.get('access.logins.failed'), 12);
  });

  it('other addresses do not wait', () => {
    const { login, fail } = make();
    fail('10.0.0.1:1', 10);
    assert.equal(login('10.0.0.2:1', everybody), everybody);
    assert.equal(login(undefined, everybody), everybody);
  });

  it('of an address that tries more than its turn comes, ten wait and the others are refused untried', async () => {
    const { clock, login, fail } = make();
    fail('10.0.0.1:1', 10);
    const waiting = Array.from({ length: 10 }, () => login('10.0.0.1:1', everybody));
    await assert.rejects(
      async () => login('10.0.0.1:1', everybody),
      (error) => error instanceof GatewayError && error.code === 'too-many-logins',
    );
    await clock.advance(1_000);
    assert.deepEqual(
      await Promise.all(waiting),
      waiting.map(() => everybody),
    );
  });

  it('a minute without a failure makes the address a new one', async () => {
    const { clock, login, fail } = make();
    fail('10.0.0.1:1', 10);
    await clock.advance(60_001);
    assert.equal(login('10.0.0.1:1', everybody), everybody);
    fail('10.0.0.1:1', 9);
    assert.equal(login('10.0.0.1:1', everybody), everybody);
  });

  it('an IPv6 network of one client is one address, and the table is bounded', async () => {
    const { login, fail } = make();
    for (let i = 0; i < 10; i++) fail(`[2001:db8::${i}]:7`, 1);
    assert.ok(login('[2001:db8:0:0:9::1]:7', everybody) instanceof Promise);
    assert.equal(login('[2001:db8:0:1::1]:7', everybody), everybody);
    for (let i = 0; i < 10_000; i++) fail(`host-${i}`, 1);
    assert.equal(login('[2001:db8::1]:7', everybody), everybody);
    assert.equal(networkOf('::ffff:10.1.2.3'), '10.1.2.3');
    assert.equal(networkOf('10.1.2.3'), '10.1.2.3');
    assert.equal(networkOf('::1'), '0:0:0:0::');
    assert.equal(networkOf(undefined), 'unix');
  });

  it('a line says who fails, another that he is slowed down; the others of the minute are counted', async () => {
    const { clock, lines, fail, login } = make();
    fail('10.0.0.1:1', 10);
    assert.deepEqual(
      lines.map(({ fields }) => [fields.listener, fields.address, fields.user, fields.failures]),
      [
        ['resp', '10.0.0.1:1', 'app', 1],
        ['resp', '10.0.0.1:1', 'app', 10],
      ],
    );
    await clock.advance(60_001);
    login('10.0.0.1:1');
    assert.equal(lines[2]?.fields.suppressed, 8);
    for (let i = 0; i < 1_000; i++) fail(`host-${i}`, 1);
    assert.ok(lines.length <= 2 + 60, `${lines.length} lines`);
    await clock.advance(60_001);
    fail('other', 1);
    assert.ok(Number(lines.at(-1)?.fields.suppressedInAll) > 900);
  });

  it('what users have no right to is counted, and told once a minute for a user', () => {
    const { stats, lines, guard } = make();
    for (let i = 0; i < 5; i++) guard.denied({ listener: 'resp', address: '10.0.0.1:1', user: 'app' }, 'no');
    guard.denied({ listener: 'resp', address: '10.0.0.1:1', user: 'other' }, 'no');
    assert.equal(stats.get('access.denied'), 6);
    assert.deepEqual(
      lines.map(({ fields }) => fields.user),
      ['app', 'other'],
    );
  });
});
