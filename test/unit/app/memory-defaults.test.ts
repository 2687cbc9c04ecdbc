// Memory budgets follow the limit of the process; an operator's own values stay.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, loadConfig, type Setting } from '../../../src/app/config.js';
import { memoryLimit } from '../../../src/cli/memory-limit.js';
import { budgetOf } from '../../../src/core/memory/memory-shares.js';
import { loadRelayConfig } from '../../../src/relay/config/config-files.js';

const mebibyte = 1024 * 1024;
const small = 256 * mebibyte;

const load = (flags: readonly Setting[], memoryBytes?: number) =>
  loadConfig({ env: {}, flags, ...(memoryBytes === undefined ? {} : { memoryBytes }) });

test('a small limit lowers the defaults, and the start line can list them', async () => {
  const { resp, consumer, memory } = await load([], small);
  assert.equal(resp.queryBufferBytes, 32 * mebibyte);
  assert.equal(resp.produceBufferBytes, 16 * mebibyte);
  assert.equal(resp.outputBufferBytes, 8 * mebibyte);
  assert.equal(resp.maxPrefetchBytes, 4 * mebibyte);
  assert.equal(consumer['queued.max.messages.kbytes'], 4_096);
  assert.equal(memory?.limitBytes, small);
  assert.equal(memory.lowered['resp.queryBufferBytes'], 32 * mebibyte);
});

test('plenty of memory leaves the documented defaults', async () => {
  const usual = await load([]);
  const { memory, ...roomy } = await load([], 1024 * 1024 * mebibyte);
  assert.deepEqual(roomy, usual);
  assert.deepEqual(memory?.lowered, {});
  const { resp } = usual;
  assert.equal(resp.queryBufferBytes, budgetOf('queryBuffer', undefined));
  assert.equal(resp.produceBufferBytes, budgetOf('produceBuffer', undefined));
  assert.equal(resp.outputBufferBytes, budgetOf('outputBuffer', undefined));
  assert.equal(resp.maxPrefetchBytes, budgetOf('prefetch', undefined));
});

test("an operator's value wins", async () => {
  const given: Setting[] = [
    ['resp.queryBufferBytes', 300 * mebibyte],
    [['consumer', 'queued.max.messages.kbytes'], 9_999],
    [['general', 'fetch.max.bytes'], 7_777_777],
  ];
  const { resp, consumer, memory } = await load(given, small);
  assert.equal(resp.queryBufferBytes, 300 * mebibyte);
  assert.equal(consumer['queued.max.messages.kbytes'], 9_999);
  assert.equal(consumer['fetch.max.bytes'], undefined);
  assert.equal(memory?.lowered['resp.queryBufferBytes'], undefined);
});

test('workers divide what each of them holds; collectors divide the buffer for lines', async () => {
  const { resp } = await load([['resp.workers', 3]], 1024 * mebibyte);
  assert.equal(resp.queryBufferBytes, 32 * mebibyte);
  const { ris } = await load([['ris.host', 'rrc00,rrc13']], small);
  assert.equal(ris?.bufferBytes, 32 * mebibyte);
});

test('the limit is the variable, else what the system says', () => {
  assert.equal(memoryLimit({ RAFKA_MEMORY_LIMIT_BYTES: String(small) }), small);
  assert.ok(memoryLimit({}) > 64 * mebibyte);
  assert.throws(() => memoryLimit({ RAFKA_MEMORY_LIMIT_BYTES: '256M' }), ConfigError);
  assert.throws(() => memoryLimit({ RAFKA_MEMORY_LIMIT_BYTES: '1024' }), ConfigError);
});

test("the relay's topics divide its share", async () => {
  const file = join(import.meta.dirname, '../../../../test/support/kaf-relay.toml');
  const { config } = await loadRelayConfig([file], { topic: ['one:one', 'two:two'] }, small);
  assert.equal(config.target.buffer_bytes, Math.floor(small / 8 / config.topics.length));
  const roomy = await loadRelayConfig([file], { topic: ['one:one'] });
  assert.equal(roomy.config.target.buffer_bytes, 32 * mebibyte);
});
