import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplyLine } from '../../../../src/resp/connection/reply-line.js';

test('replies leave in the order of their commands, whenever they come', () => {
  const line = new ReplyLine();
  const first = line.add();
  line.add('second');
  const third = line.add();
  third(null);
  assert.equal(line.take(), undefined);
  first('first');
  assert.deepEqual([line.take(), line.take(), line.take(), line.take()], ['first', 'second', null, undefined]);
  assert.equal(line.length, 0);
});

test('a long line keeps its order while its front leaves', () => {
  const line = new ReplyLine();
  const fills = Array.from({ length: 5_000 }, () => line.add());
  fills.forEach((fill, index) => {
    fill(index);
    if (index % 7 === 0) while (line.take() !== undefined);
  });
  while (line.take() !== undefined);
  assert.equal(line.length, 0);
});
