// Request bodies: each of them bounded, and all that have not come whole together.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { MemoryBudget } from '../../../src/core/memory/memory-budget.js';
import { readBody } from '../../../src/http/body.js';

class Request extends EventEmitter {
  readonly headers = {};
  readonly answers: (string | number)[] = [];
  isThrownAway = false;

  constructor(limit: number, budget: MemoryBudget) {
    super();
    readBody(this as unknown as IncomingMessage, limit, budget, (error, body) =>
      this.answers.push(error?.code ?? body.length),
    );
  }

  resume(): this {
    this.isThrownAway = true;
    return this;
  }

  send(bytes: number): void {
    this.emit('data', Buffer.alloc(bytes));
  }
}

describe('request bodies', () => {
  test('half sent large bodies of many clients count together: one more is refused, and all is given back', () => {
    const budget = new MemoryBudget(100_000);
    const [one, two, small] = [0, 0, 0].map(() => new Request(80_000, budget)) as [Request, Request, Request];
    one.send(40_000);
    one.send(20_000);
    small.send(16_000);
    two.send(30_000);
    // Each piece takes 256 bytes beside its own.
    assert.equal(budget.total, 90_000 + 3 * 256);
    two.send(20_000);
    assert.deepEqual([two.answers, two.isThrownAway, budget.total], [['bodies-too-large'], true, 60_000 + 2 * 256]);
    one.send(19_000);
    one.emit('end');
    assert.deepEqual(one.answers, [79_000]);
    one.emit('close');
    two.emit('close');
    small.emit('close');
    assert.deepEqual([small.answers, budget.total], [[], 0]);
  });

  test('one that is larger than allowed is refused as soon as that is known', () => {
    const budget = new MemoryBudget(100_000);
    const request = new Request(50_000, budget);
    request.send(40_000);
    request.send(20_000);
    assert.deepEqual([request.answers, budget.total], [['body-too-large'], 0]);
  });
});
