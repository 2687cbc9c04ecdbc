// A target topic of several sources: who may begin at the beginning.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fakeLab } from '../../../support/relay-fake-lab.js';
import { fill, numbered } from '../../../support/relay-lab.js';

const both = { a: 'b', c: 'b' };

async function lab() {
  const stage = fakeLab();
  stage.source.createTopic('c', 1);
  await fill(stage.source, numbered('a', 10));
  await fill(stage.source, numbered('c', 10, { prefix: 'other' }));
  return stage;
}

describe('a target that several sources share', () => {
  test('with messages and without recorded progress nothing is copied again: both are refused with a text', async () => {
    const { target, once, copied } = await lab();
    await fill(target, numbered('b', 5));
    const outcome = await once({ topics: both });
    assert.equal(outcome.failed, 2);
    assert.match(outcome.text, /which of its sources \(a, c\) they came from cannot be told.*--restart-topic c/);
    assert.equal((await copied()).length, 5);
    assert.match((await once({ topics: both }, { restartTopic: ['a', 'c'] })).summary, /: 20 messages/);
  });

  test('an empty one takes all of them, side by side, and goes on', async () => {
    const { source, once, copied } = await lab();
    assert.match((await once({ topics: both })).summary, /: 20 messages/);
    await fill(source, numbered('a', 10, { from: 10 }));
    assert.match((await once({ topics: both })).summary, /: 10 messages/);
    assert.equal((await copied()).length, 30);
  });

  test('a source that is added later is copied from its beginning', async () => {
    const { once, copied } = await lab();
    assert.match((await once({ topics: { a: 'b' } })).summary, /: 10 messages/);
    assert.match((await once({ topics: both })).summary, /: 10 messages/);
    assert.equal((await copied()).length, 20);
  });
});
