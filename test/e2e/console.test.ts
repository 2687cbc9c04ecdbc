// The console in a real browser, on a real Kafka: what a user sees and does there, what he may not, and Kafka away.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Redis } from 'ioredis';
import type { Browser } from 'playwright-core';
import type { KafkaFactory } from '../../src/core/ports.js';
import { ConsoleWindow, noChromiumToInstall, openBrowser, type Theme, whyNoChromium } from '../support/browser.js';
import { hashed } from '../support/credentials.js';
import { freePort, GatewayProcess } from '../support/gateway.js';
import { KafkaServer, saslUser, whyNoKafka } from '../support/kafka-server.js';
import { KafkaWire } from '../support/kafka-wire.js';
import { met } from '../support/needs.js';
import { connect } from '../support/redis-client.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { fill } from '../support/relay-lab.js';

const why = (): string | undefined => whyNoKafka() ?? whyNoChromium();

function isMet(t: TestContext): boolean {
  if (whyNoChromium() === undefined || noChromiumToInstall === undefined) return met(t, why());
  t.skip(noChromiumToInstall);
  return false;
}

const root = { username: 'root', password: 'top' };
const reader = { username: 'anna', password: 'secret' };
const every = { produce: ['*'], consume: ['*'], groups: ['*'] };
const markup = '<img src="http://192.0.2.1/x.png" onerror="document.title=1">';

describe('the console in a browser', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-console-'));
  let server: KafkaServer;
  let kafka: KafkaFactory;
  let gateway: GatewayProcess;
  /** Its Kafka user may describe the topic `orders`, and nothing else. */
  let limited: GatewayProcess;
  let browser: Browser;
  let producer: Redis;
  let base = '';
  let limitedBase = '';
  const windows: ConsoleWindow[] = [];

  before(async () => {
    if (why() !== undefined) return;
    const authorizer = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
    const properties = { 'authorizer.class.name': authorizer, 'super.users': 'User:ANONYMOUS' };
    server = await KafkaServer.start({ sasl: true, properties });
    await fillKafka();
    const ops = { showPayloads: true, allowActions: true };
    const ports = [await freePort(), await freePort()] as const;
    [gateway, limited, browser, producer] = await Promise.all([
      GatewayProcess.start({
        config: {
          general: { 'bootstrap.servers': server.brokers },
          resp: { usersFile: usersFile() },
          ops: { ...ops, port: ports[0] },
        },
      }),
      GatewayProcess.start({ config: { general: saslGeneral(server), ops: { ...ops, port: ports[1] } } }),
      openBrowser(),
    ]).then(async ([one, ...others]) => [one, ...others, await connect(one.port, 'writer', root)]);
    [base, limitedBase] = ports.map((port) => `http://127.0.0.1:${port}`) as [string, string];
  });
  after(async () => {
    producer?.disconnect();
    await browser?.close();
    await kafka?.close();
    await Promise.all([gateway?.stop(), limited?.stop()]);
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  function usersFile(): string {
    const file = join(dir, 'users.json');
    const users = [
      { name: 'root', password: hashed(root.password), ...every, admin: true },
      { name: 'anna', password: hashed(reader.password), consume: ['orders'], groups: ['anna', 'billing'] },
    ];
    writeFileSync(file, JSON.stringify(users));
    return file;
  }

  /** Two topics; a group that has read two of three orders. */
  async function fillKafka(): Promise<void> {
    kafka = await openKafka(server.brokers);
    await Promise.all([makeTopic(kafka, 'orders', 2), makeTopic(kafka, 'invoices')]);
    const order = { topic: 'orders', partition: 0 };
    await fill(kafka, [
      { ...order, key: Buffer.from('first'), value: Buffer.from('{"order":4711,"password":"s3cret","lines":[1,2]}') },
      { ...order, key: Buffer.from('second'), value: Buffer.from(markup) },
      { ...order, key: Buffer.from('third'), value: Buffer.from('needle in the hay') },
      { topic: 'invoices', partition: 0, key: null, value: Buffer.from('invoice') },
    ]);
    await kafka.admin.commitGroupOffsets('billing', [{ ...order, offset: 2, metadata: '' }]);
    const wire = await KafkaWire.open(server.brokers);
    await wire.allow(`User:${saslUser.username}`, 'topic', 'orders', 'describe');
    wire.close();
  }

  async function open(address: string, theme?: Theme, mayInject?: boolean): Promise<ConsoleWindow> {
    const window = await ConsoleWindow.open(browser, address, theme, mayInject);
    windows.push(window);
    return window;
  }

  async function openAs({ username, password }: typeof root, ...more: [Theme?, boolean?]): Promise<ConsoleWindow> {
    const window = await open(base, ...more);
    await window.show('overview');
    await window.logIn(username, password);
    await window.sees('Event-loop lag');
    return window;
  }

  const send = async (value: string): Promise<void> => {
    await producer.call('RPUSHX', 'topics:orders', value);
    assert.equal(await producer.call('DUMP', '10000'), 0);
  };

  test('a wrong password is refused, the right one opens the page that was asked for, a logout closes it', async (t) => {
    if (!isMet(t)) return;
    const window = await open(base);
    await window.show('topics');
    await window.logIn('root', 'wrong');
    await window.sees(/It failed: .*(password|user)/i, '[role=alert]');
    await window.logIn('root', 'top');
    await window.sees('orders', 'td');
    const [cookie] = await window.page.context().cookies();
    assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
    await window.page.getByRole('button', { name: 'Log out' }).click();
    await window.page.getByLabel('Password').waitFor();
    await window.close();
  });

  test('header and overview: version, brokers, readiness, listeners, lags', async (t) => {
    if (!isMet(t)) return;
    await send('for the counters');
    const window = await openAs(root);
    for (const text of [/Rafka \d+\.\d+\.\d+\S*, gateway/, /4\.3.*, brokers 1 of 1/, /Readiness ?ready/])
      await window.sees(text, 'header');
    await window.sees('resp', '[aria-label=listeners] td');
    await window.sees('billing', '[aria-label=lags] td');
    await window.page.keyboard.press('?');
    await window.sees('go to the filter', '[role=dialog]');
    await window.close();
  });

  test('topics: filter, values, search, live tail, sending', async (t) => {
    if (!isMet(t)) return;
    const window = await openAs(root);
    const { page } = window;
    await window.show('topics');
    await window.sees('invoices', 'td');
    await page.keyboard.press('/');
    await page.keyboard.type('ORD');
    await page.getByText('1 to 1 of 1').waitFor();
    await page.getByRole('link', { name: 'orders' }).click();
    await window.sees('Topic orders', 'h2');
    await page.locator('.messages summary', { hasText: '4711' }).click();
    await window.sees('"*****"', '.value .json');
    await window.sees(markup, '.preview');
    const rows = page.locator('.messages > li');
    await page.getByLabel('Search').fill('NEEDLE');
    await page.getByRole('button', { name: 'Search' }).click();
    await window.sees('messages were looked through');
    assert.deepEqual([await rows.count(), await rows.first().locator('b').textContent()], [1, 'third']);
    assert.match(page.url(), /search=NEEDLE/);
    await page.getByLabel('Search').fill('');
    await page.getByRole('button', { name: 'Search' }).click();
    await window.sees(markup, '.preview');
    const begun = page.waitForResponse((response) => response.url().includes('/orders/tail'));
    await page.getByRole('combobox', { name: /^From/ }).selectOption('live');
    await begun;
    await page.getByText('Send a message').click();
    await page.getByLabel('Value').fill('by the form');
    await page.getByRole('button', { name: 'Send' }).click();
    await window.sees('Kafka has it', '.produce');
    await window.sees('by the form', '.messages li:first-child');
    await send('by a client');
    await window.sees('by a client', '.messages li:first-child');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    assert.equal(await rows.count(), 2);
    await window.close();
  });

  test('groups: lag, a reset with its preview, a deletion; both only with the name typed', async (t) => {
    if (!isMet(t)) return;
    const committed = async (): Promise<number | undefined> =>
      (await kafka.admin.groupOffsets('billing', [{ topic: 'orders', partition: 0 }]))[0]?.offset;
    const window = await openAs(root);
    const { page } = window;
    await window.show('groups');
    await page.getByRole('link', { name: 'billing' }).click();
    await window.sees('Nobody is in the group now');
    await window.sees(/^orders0?.*2/, '[aria-label=billing-positions] tr');
    await page.getByText('Reset positions').click();
    await page.getByRole('button', { name: 'Preview' }).click();
    await window.sees('Preview, nothing is changed yet');
    await window.sees('reads 2 again', '[aria-label=reset] td');
    assert.equal(await committed(), 2);
    const act = page.getByRole('button', { name: 'Set the positions' });
    assert.equal(await act.isDisabled(), true);
    await page.getByLabel("Type the group's name to do it").fill('billing');
    await act.click();
    await window.sees('Done: the positions are now');
    assert.equal(await committed(), 0);
    await page.getByText('Delete the group').click();
    await page.getByLabel("Type the group's name", { exact: true }).fill('billing');
    await page.getByRole('button', { name: 'Delete' }).click();
    await window.sees('No group has read anything yet');
    await kafka.admin.commitGroupOffsets('billing', [{ topic: 'orders', partition: 0, offset: 2, metadata: '' }]);
    await window.close();
  });

  test("what the user's rights or Kafka's forbid is not permitted, and neither absent nor 0", async (t) => {
    if (!isMet(t)) return;
    const anna = await openAs(reader);
    await anna.show('topics');
    await anna.sees('orders', 'td');
    assert.equal(await anna.page.getByRole('link', { name: 'invoices' }).count(), 0);
    await anna.show('topics/invoices');
    await anna.sees(/^Not permitted: .*anna/, '[role=alert]');
    await anna.show('groups/other');
    await anna.sees(/^Not permitted: .*other/, '[role=alert]');
    await anna.show('topics/orders');
    await anna.sees(markup, '.preview');
    assert.equal(await anna.page.getByText('Send a message').count(), 0);
    await anna.close();
    const kafkas = await open(limitedBase);
    await kafkas.show('topics/orders');
    await kafkas.sees(/^Not permitted: /, '[role=alert]');
    await kafkas.show('groups/billing');
    await kafkas.sees(/^Not permitted: /, '[role=alert]');
    await kafkas.close();
  });

  for (const theme of ['light', 'dark'] as const)
    test(`no screen has a fault that axe finds, and each fits a narrow window: ${theme}`, async (t) => {
      if (!isMet(t)) return;
      const login = await open(base, theme, true);
      await login.show('overview');
      await login.page.getByLabel('Password').waitFor();
      assert.deepEqual(await login.violations(), []);
      await login.picture(`login-${theme}`, 1280);
      await login.close();
      const window = await openAs(root, theme, true);
      for (const [screen, shown] of [
        ['overview', '[aria-label=lags] td'],
        ['topics', '[aria-label=topics] td'],
        ['topics/orders', '.messages summary'],
        ['groups', '[aria-label=groups] td'],
        ['groups/billing', '[aria-label=billing-positions] td'],
      ] as const) {
        await window.show(screen);
        await window.page.locator(shown).first().waitFor();
        for (const closed of await window.page
          .locator('details.danger > summary, .messages > li > details > summary')
          .all())
          await closed.click();
        assert.deepEqual(await window.violations(), [], screen);
        for (const width of [1280, 400]) await window.picture(`${screen.replaceAll('/', '-')}-${theme}`, width);
        await window.page.setViewportSize({ width: 1280, height: 900 });
      }
      await window.close();
    });

  test('the policy refuses scripts that are inline or from elsewhere; so far nothing has asked for one', async (t) => {
    if (!isMet(t)) return;
    assert.deepEqual(
      windows.flatMap(({ faults }) => faults),
      [],
    );
    const window = await openAs(root);
    await assert.rejects(window.page.addScriptTag({ content: 'document.title = "inline"' }), /Content Security Policy/);
    await assert.rejects(window.page.addScriptTag({ url: 'http://192.0.2.1/x.js' }), /Content Security Policy|Failed/);
    assert.equal(await window.page.title(), 'Rafka console');
    await window.close();
  });

  test('Kafka away: the header says so, numbers are unknown, and all comes back', async (t) => {
    if (!isMet(t)) return;
    const window = await openAs(root);
    await window.show('topics');
    await window.sees('invoices', 'td');
    await server.kill9();
    await window.sees(/not ready: /, 'header');
    await window.sees(/Kafka does not answer: /, '[role=alert]');
    assert.doesNotMatch(String(await window.page.locator('header').textContent()), /ready\W*$|brokers 0/);
    await server.restart();
    await window.sees(/Readiness ?ready/, 'header');
    await window.page.locator('[role=alert]').waitFor({ state: 'detached' });
    await window.sees('invoices', 'td');
    assert.deepEqual(window.faults, []);
    await window.close();
  });
});

function saslGeneral({ saslBrokers }: KafkaServer): Record<string, string> {
  return {
    'bootstrap.servers': saslBrokers,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.username': saslUser.username,
    'sasl.password': saslUser.password,
  };
}
