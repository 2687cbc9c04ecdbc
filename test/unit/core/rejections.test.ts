// Rejections that no code handles, in a process of their own: a client's refusal ends nothing, a defect of the process does.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const source = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
const script = `
  import { setImmediate as turn } from 'node:timers/promises';
  import { watchRejections } from ${source('core/stray-errors.js')};
  import { KafkaError } from ${source('core/ports.js')};
  import { fail } from ${source('errors.js')};
  const line = (level) => ({ err }, text) => console.log(level + ' ' + text + ': ' + err.message);
  watchRejections(process, { error: line('error'), fatal: line('fatal') }, () => process.exit(1));
  const refusals = [
    fail('queue-full'),
    new KafkaError({ message: 'of Kafka', code: -195, fatal: true, retriable: false, abortable: false }),
  ];
  for (const refusal of refusals) {
    void Promise.reject(refusal);
    await turn();
    console.log('serves');
  }
  // What main does while it serves clients.
  setInterval(() => {}, 1_000);
  void Promise.reject(new TypeError('a defect'));
  await turn();
  console.log('serves');
`;

test('an unhandled refusal of a client or of Kafka is logged and ends nothing; any other error ends the process', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.deepEqual(stdout.trim().split('\n'), [
    'error an unhandled refusal: this is a bug: Local: Queue full',
    'serves',
    'error an unhandled refusal: this is a bug: of Kafka',
    'serves',
    'fatal an unhandled rejection: this is a bug: a defect',
  ]);
  assert.equal(status, 1, stderr);
});
