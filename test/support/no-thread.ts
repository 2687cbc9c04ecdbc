// A process in which libuv starts no thread of the system's default size, as its limit for stacks is beyond the address space:
// consumeLoop() must throw then. Ends with 0 when it did.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type NativeConsumer, native } from '../../src/kafka/native.js';

/** The most that an address space of 47 bits could hold, bytes. */
const stackBytes = 2 ** 47;
type Looping = NativeConsumer & { consumeLoop(timeoutMs: number, pauseMs: number, callback: () => void): void };

const client = new native.KafkaConsumer({ 'bootstrap.servers': '127.0.0.1:1', 'group.id': 'g' }, {}) as Looping;
await new Promise<void>((resolve, reject) => client.connect((error) => (error ? reject(error) : resolve())));
execFileSync('prlimit', ['--pid', String(process.pid), `--stack=${stackBytes}:`]);
assert.throws(() => client.consumeLoop(100, 0, () => undefined), /No thread/);
execFileSync('prlimit', ['--pid', String(process.pid), `--stack=${8 * 2 ** 20}:`]);
await new Promise<void>((resolve) => client.disconnect(resolve));
