// Replies: what a turn of the event loop answers is written when it ends, in order.
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { Replies } from '../../../src/http/replies.js';

/** A response of which only the writing is there. */
function response(written: unknown[]): ServerResponse {
  const fake = {
    writeHead: (status: number, headers: readonly string[]) => {
      written.push(status, headers);
      return fake;
    },
    end: (body: string) => written.push(body),
  };
  return fake as unknown as ServerResponse;
}

test('the replies of a turn are written together when it ends; those of the next one after it', async () => {
  const replies = new Replies();
  const written: unknown[] = [];
  replies.send(response(written), 200, 'application/json', '{}');
  replies.send(response(written), 405, 'text/plain', '');
  await Promise.resolve();
  assert.deepEqual(written, []);
  await new Promise((resolve) => setImmediate(resolve));
  const both = [
    200,
    ['Content-Type', 'application/json', 'Content-Length', '2'],
    '{}',
    405,
    ['Content-Length', '0'],
    '',
  ];
  assert.deepEqual(written, both);
  replies.send(response(written), 400, 'application/json', '{ü}');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written.slice(6), [400, ['Content-Type', 'application/json', 'Content-Length', '4'], '{ü}']);
});
