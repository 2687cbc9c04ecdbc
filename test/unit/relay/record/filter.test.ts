// Filters: how modules are loaded, what they see, and what becomes of what they drop or throw at.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { reportStray } from '../../../../src/core/stray-errors.js';
import { createClock } from '../../../../src/io/clock.js';
import { FilterChain, loadFilters } from '../../../../src/relay/record/filter.js';
import { fakeLab as lab } from '../../../support/relay-fake-lab.js';
import { fill, metric, numbered, until } from '../../../support/relay-lab.js';
import { message } from '../../../support/relay-message.js';

const clock = createClock({ error() {} });

describe('filters', () => {
  const strays: string[] = [];
  async function load(module: string, over = {}, extension = 'mjs') {
    const dir = await mkdtemp(join(tmpdir(), 'rafka-filter-'));
    try {
      const path = join(dir, `filter.${extension}`);
      await writeFile(path, module);
      return await loadFilters(
        [{ id: 'odd', enabled: true, path, config: '{"keep":"1"}', topics: [], on_error: 'stop', ...over }],
        (filter) => (error) => strays.push(`${filter}: ${(error as Error).message}`),
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  }
  const odd = `export const create = (config) => ({ id: 'odd', isAllowed: (m) => m.value.toString() === JSON.parse(config).keep && m.topic === 'a' && m.partition === 3 && m.key.toString() === 'k' && m.headers.length === 0 });`;
  const throwing = `export default { create: () => ({ id: 'odd', isAllowed() { throw new Error('no luck'); } }) };`;

  test('see value, key, headers, topic and partition, and get their configuration', async () => {
    const chain = new FilterChain(await load(odd), 'a', clock);
    assert.equal(chain.check(message({ value: Buffer.from('1') })), undefined);
    assert.deepEqual(chain.check(message({ value: Buffer.from('2') })), { id: 'odd', failed: false });
  });

  test('may be TypeScript where Node runs it; elsewhere it is said what to do', async () => {
    const typed = `export const create = (config: string) => ({ id: 'odd', isAllowed: (m: { offset: number }): boolean => m.offset === 7 });`;
    if ((process.features as { typescript?: unknown }).typescript) {
      assert.equal(new FilterChain(await load(typed, {}, 'mts'), 'a', clock).check(message()), undefined);
    } else {
      await assert.rejects(load(typed, {}, 'mts'), /filter odd .*TypeScript: compile it, or use Node 22\.18 or later/);
    }
  });

  test('may answer with a promise; anything but true and false is an error that names filter and message', async () => {
    const returning = async (answer: string, over = {}) =>
      new FilterChain(
        await load(`export const create = () => ({ id: 'odd', isAllowed: () => ${answer} });`, over),
        'a',
        clock,
      );
    assert.equal(await (await returning('Promise.resolve(true)')).check(message()), undefined);
    assert.deepEqual(await (await returning('Promise.resolve(false)')).check(message()), { id: 'odd', failed: false });
    for (const [answer, why] of [
      ['undefined', /a\[3\]@7: filter odd must return true or false, and returned undefined/],
      ['0', /filter odd must return true or false, and returned number/],
      ['null', /returned null/],
      ['Promise.resolve("yes")', /returned string/],
      ['Promise.reject(new Error("no luck"))', /a\[3\]@7: filter odd threw: no luck/],
    ] as const) {
      const stop = await returning(answer);
      await assert.rejects(async () => stop.check(message()), why);
      const skip = await returning(answer, { on_error: 'skip' });
      assert.deepEqual(await skip.check(message()), { id: 'odd', failed: true });
    }
  });

  test('errors that they leave unhandled are theirs: of the module, of create(), of each message', async () => {
    // Node's handlers run in the context that the error arose in; here each place reports at once.
    (globalThis as { strayIn?: (place: string) => void }).strayIn = (place) => reportStray(new Error(place));
    const module = `strayIn('module'); export const create = async () => { await 1; strayIn('create'); return { id: 'odd', isAllowed: () => {
      setImmediate(() => strayIn('callback')); return { then(done) { strayIn('then'); done(true); } }; } }; };`;
    strays.length = 0;
    const chain = new FilterChain(await load(module), 'a', clock);
    assert.equal(await chain.check(message()), undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(strays.sort(), ['odd: callback', 'odd: create', 'odd: module', 'odd: then']);
    assert.equal(reportStray(new Error('ours')), false);
    assert.equal(strays.length, 4);
  });

  test('get a frozen copy: what they do to it reaches neither the target nor the next filter', async () => {
    const bytes = `export const create = () => ({ id: 'odd', isAllowed(m) { m.value[0] = 0; m.headers[0].value[0] = 0; return true; } });`;
    const original = message({ value: Buffer.from('v'), headers: [{ key: 'h', value: Buffer.from('x') }] });
    assert.equal(new FilterChain(await load(bytes), 'a', clock).check(original), undefined);
    assert.deepEqual([original.value!.toString(), original.headers[0]!.value!.toString()], ['v', 'x']);
    for (const change of ['m.offset = 1', 'm.headers.push(1)', 'm.headers[0].key = "y"']) {
      const module = `export const create = () => ({ id: 'odd', isAllowed(m) { ${change}; return true; } });`;
      const chain = new FilterChain(await load(module), 'a', clock);
      assert.throws(() => chain.check(original), /filter odd threw/, change);
    }
  });

  test('only look at their topics', async () => {
    assert.equal(new FilterChain(await load(odd, { topics: ['x'] }), 'a', clock).isEmpty, true);
    assert.equal(new FilterChain(await load(odd, { topics: ['a'] }), 'a', clock).isEmpty, false);
  });

  test('a throwing filter stops with the coordinates, or skips', async () => {
    const stop = new FilterChain(await load(throwing), 'a', clock);
    assert.throws(() => stop.check(message()), /a\[3\]@7: filter odd threw: no luck/);
    const skip = new FilterChain(await load(throwing, { on_error: 'skip' }), 'a', clock);
    assert.deepEqual(skip.check(message()), { id: 'odd', failed: true });
  });

  test('what cannot be loaded is named', async () => {
    await assert.rejects(load('export const x = 1;'), /filter odd .*exports no create/);
    await assert.rejects(load('export const create = () => ({});'), /must return \{ id, isAllowed/);
    await assert.rejects(
      load(`export const create = () => ({ id: 'even', isAllowed: () => true });`),
      /calls itself 'even'/,
    );
    await assert.rejects(load(odd, { path: '' }), /filters\.odd\.path must be set/);
    await assert.rejects(load(odd, { path: '/nowhere.mjs' }), /filter odd/);
  });
});

describe('filters of a relay', () => {
  async function module(t: TestContext, body: string): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'rafka-filter-'));
    t.after(() => rm(dir, { recursive: true }));
    await writeFile(join(dir, 'f.mjs'), `export const create = () => ({ id: 'f', isAllowed(m) { ${body} } });`);
    return join(dir, 'f.mjs');
  }

  test('one that throws stops its topic; what came before is delivered', async (t) => {
    const { source, once, copied } = lab();
    await fill(source, numbered('a', 10));
    const path = await module(t, `if (m.offset === 6) throw new Error('no luck'); return true;`);
    const refused = await once({ filters: { f: { enabled: true, path } } });
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /a\[0\]@6: filter f threw: no luck/);
    assert.equal((await copied()).length, 6);
  });

  test('one that rejects stops its topic; what came before is delivered', async (t) => {
    const { source, once, copied } = lab();
    await fill(source, numbered('a', 10));
    const path = await module(
      t,
      `return m.offset === 6 ? Promise.reject(new Error('no luck')) : Promise.resolve(true);`,
    );
    const refused = await once({ filters: { f: { enabled: true, path } } });
    assert.equal(refused.failed, 1);
    assert.match(refused.text, /a\[0\]@6: filter f threw: no luck/);
    assert.equal((await copied()).length, 6);
  });

  test('or skips and counts, when told to; in failover mode as well', async (t) => {
    const { source, sources, run, copied } = lab(1, 2);
    for (const kafka of sources) await fill(kafka, numbered('a', 10));
    const path = await module(t, `if (m.offset === 6) throw new Error('no luck'); return m.offset !== 7;`);
    const started = await run({ filters: { f: { enabled: true, path, on_error: 'skip' } } }, { mode: 'failover' });
    await until('the messages', async () => (await copied()).length === 8);
    const metrics = await started.metrics();
    assert.equal(metric(metrics, 'kafka_relay_filter_errors_total', { filter: 'f' }), 1);
    assert.equal(metric(metrics, 'kafka_relay_messages_filtered_total', { filter: 'f' }), 1);
    await started.stop();
    assert.ok(source);
  });

  test('given by flag', async (t) => {
    const { source, once, copied } = lab();
    await fill(source, numbered('a', 10));
    const path = await module(t, 'return m.offset > 7;');
    assert.match((await once({}, { filter: [path] })).summary, /: 2 messages.* 8 filtered/);
    assert.deepEqual(await copied(), ['value8', 'value9']);
  });
});
