import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin, TopicMetadata } from '../../../../src/core/ports.js';
import { TopicCatalog } from '../../../../src/core/topics/topic-catalog.js';
import { ManualClock } from '../../../support/clock.js';

function setUp() {
  const clock = new ManualClock();
  const existing: TopicMetadata[] = [];
  let asked = 0;
  const topics = async () => {
    asked += 1;
    return [...existing];
  };
  const catalog = new TopicCatalog({ topics } as unknown as Admin, clock);
  const names = async () => [...(await catalog.all()).keys()];
  return {
    clock,
    catalog,
    names,
    asked: () => asked,
    create: (name: string) => existing.push({ name, partitions: [] }),
  };
}

test('the cluster is asked once a second, however many ask', async () => {
  const { clock, names, asked } = setUp();
  await Promise.all([names(), names()]);
  await clock.advance(1_000);
  await names();
  assert.equal(asked(), 1);
  await clock.advance(1);
  await names();
  assert.equal(asked(), 2);
});

test('a topic that was just produced to is looked for sooner, until it is there', async () => {
  const { clock, catalog, names, asked, create } = setUp();
  await names();
  catalog.produced('new');
  await clock.advance(101);
  assert.deepEqual(await names(), []);
  create('new');
  await clock.advance(101);
  assert.deepEqual(await names(), ['new']);
  catalog.produced('new');
  await clock.advance(500);
  await names();
  assert.equal(asked(), 3, 'it is known: no more questions than usual');
});

test('one that never comes is looked for sooner for a few seconds only', async () => {
  const { clock, catalog, names, asked } = setUp();
  catalog.produced('never');
  await clock.advance(5_000);
  catalog.produced('never');
  await names();
  await clock.advance(500);
  await names();
  assert.equal(asked(), 1);
});

test('what is known is shown at once, and is fresher the next time', async () => {
  const { clock, catalog, create } = setUp();
  create('a');
  assert.equal(catalog.known().size, 0);
  await clock.advance(0);
  assert.equal(catalog.known().size, 1);
  create('b');
  await clock.advance(5_001);
  assert.equal(catalog.known().size, 1);
  await clock.advance(0);
  assert.equal(catalog.known().size, 2);
});
