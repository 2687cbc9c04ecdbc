// Request bodies: each of them bounded, and all of them together.
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { MemoryBudget } from '../../../src/core/memory/memory-budget.js';
import { readBody } from '../../../src/http/body.js';

class Request extends EventEmitter {
  readonly headers: Readonly<Record<string, string>>;
  readonly response = new EventEmitter();
  readonly answers: (string | number)[] = [];
  isThrownAway = false;

  /** @param length of the body as its head says; absent: it does not */
  constructor(limit: number, budget: MemoryBudget, length?: number) {
    super();
    this.headers = length === undefined ? {} : { 'content-length': String(length) };
    readBody(
      this as unknown as IncomingMessage,
      this.response as unknown as ServerResponse,
      limit,
      budget,
      (error, body) => this.answers.push(error?.code ?? body.length),
    );
  }

  resume(): this {
    this.isThrownAway = true;
    return this;
  }

  get isRead(): boolean {
    return this.listenerCount('data') > 0;
  }

  send(bytes: number): void {
    this.emit('data', Buffer.alloc(bytes));
  }

  answered(): void {
    this.response.emit('close');
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
    one.answered();
    two.answered();
    small.answered();
    assert.deepEqual([small.answers, budget.total], [[], 0]);
  });

  test('one that is larger than allowed is refused as soon as that is known', () => {
    const budget = new MemoryBudget(100_000);
    const request = new Request(50_000, budget);
    request.send(40_000);
    request.send(20_000);
    assert.deepEqual([request.answers, budget.total], [['body-too-large'], 0]);
    assert.deepEqual(new Request(50_000, budget, 50_001).answers, ['body-too-large']);
  });

  test('large ones of known length wait in line until there is room for the whole of them, and hold it until they are answered', () => {
    const budget = new MemoryBudget(100_000);
    const [one, two, three] = [60_000, 50_000, 30_000].map((length) => new Request(80_000, budget, length)) as [
      Request,
      Request,
      Request,
    ];
    // The third would have room beside the first, and comes behind the second.
    assert.deepEqual([one.isRead, two.isRead, three.isRead], [true, false, false]);
    one.send(40_000);
    one.send(20_000);
    one.emit('end');
    one.emit('close');
    assert.deepEqual([one.answers, two.isRead], [[60_000], false]);
    one.answered();
    assert.deepEqual([two.isRead, three.isRead], [true, true]);
    two.answered();
    three.answered();
    assert.equal(budget.total, 0);
  });

  test('one whose client goes leaves the line, and one that can never have room is refused', () => {
    const budget = new MemoryBudget(100_000);
    const [one, two, three] = [90_000, 80_000, 70_000].map((length) => new Request(200_000, budget, length)) as [
      Request,
      Request,
      Request,
    ];
    two.answered();
    one.answered();
    assert.deepEqual([two.isRead, three.isRead, three.answers], [false, true, []]);
    assert.deepEqual(new Request(200_000, budget, 150_000).answers, ['bodies-too-large']);
    three.answered();
    assert.equal(budget.total, 0);
  });

  test('one that waits for too long is refused, and its place is free', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const budget = new MemoryBudget(100_000);
    const [one, two] = [90_000, 80_000].map((length) => new Request(100_000, budget, length)) as [Request, Request];
    t.mock.timers.tick(20_000);
    assert.deepEqual([two.answers, two.isThrownAway], [['bodies-too-large'], true]);
    one.answered();
    two.answered();
    assert.deepEqual([two.isRead, budget.total], [false, 0]);
  });
});
