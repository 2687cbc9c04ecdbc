// How a client comes to be open: when a broker has answered, however it knows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { pino } from 'pino';
import { KafkaCode } from '../../../src/core/ports.js';
import { connect } from '../../../src/kafka/client.js';
import type { Callback, NativeClient, NativeError } from '../../../src/kafka/native.js';
import type { ClientProperties } from '../../../src/kafka/properties.js';

const unreachable: NativeError = { code: KafkaCode.transport, message: 'Local: Broker transport failure' };
const unanswered: NativeError = { code: KafkaCode.timedOut, message: 'Local: Timed out' };

/** Opens a client whose binding answers so, after so many ms. @returns what was asked of it. */
async function open(
  answer: NativeError | null,
  afterMs: number,
  metadata: NativeError | null = null,
  waits = true,
  timeoutMs = 5_000,
): Promise<string[]> {
  const asked: string[] = [];
  const double = class {
    configureCallbacks(): void {}
    connect(callback: Callback<{ name: string }>): void {
      callback(null, { name: 'double' });
    }
    awaitBroker = waits
      ? (timeoutMs: number, callback: Callback): void => {
          asked.push(`answer within ${timeoutMs}`);
          setTimeout(() => callback(answer), afterMs);
        }
      : undefined;
    getMetadata(_options: object, callback: Callback<object>): void {
      asked.push('metadata');
      callback(metadata, {});
    }
    disconnect(callback: () => void): void {
      asked.push('disconnect');
      callback();
    }
  } as unknown as new () => NativeClient;
  const properties = { global: {}, topic: {}, sectionOf: () => undefined } as unknown as ClientProperties;
  const options = { kind: 'double', create: double, properties, log: pino({ level: 'silent' }), onFault: () => {} };
  await connect(options, timeoutMs).catch((error: Error) => asked.push(error.message));
  return asked;
}

test('a client is open when a broker has answered; no topic is asked for', async () => {
  assert.deepEqual(await open(null, 0), ['answer within 5000']);
});

test('one that is told of no controller asks for metadata: any answer will do', async () => {
  assert.deepEqual(await open(unreachable, 0), ['answer within 5000', 'metadata']);
  assert.deepEqual(await open(unreachable, 0, unanswered), [
    'answer within 5000',
    'metadata',
    'disconnect',
    unanswered.message,
  ]);
});

test('one that connects only when it is asked something is asked', async () => {
  assert.deepEqual(await open(null, 0, null, false), ['metadata']);
});

test('one that nobody answers in time is given up', async () => {
  assert.deepEqual(await open(unreachable, 60, null, true, 50), [
    'answer within 50',
    'disconnect',
    unreachable.message,
  ]);
});

/** Closes a client within 20 ms. @param end calls back when the binding has closed it. @returns the lines of the log */
async function closing(end: (callback: () => void) => void): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line).msg) });
  const create = class {
    configureCallbacks(): void {}
    connect(callback: Callback<{ name: string }>): void {
      callback(null, { name: 'double' });
    }
    awaitBroker(_timeoutMs: number, callback: Callback): void {
      callback(null);
    }
    disconnect = end;
  } as unknown as new () => NativeClient;
  const properties = { global: {}, topic: {}, sectionOf: () => undefined } as unknown as ClientProperties;
  const client = await connect({ kind: 'double', create, properties, log, onFault: () => {} }, 5_000);
  // Behind it the loop runs its timers first.
  await new Promise((resolve) => setImmediate(resolve));
  await client.disconnect(20);
  return lines;
}

test('a client that closed while the event loop stood still is not said to hang', async () => {
  const lines = await closing((callback) => {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', () => {
      port1.close();
      callback();
    });
    port2.postMessage('closed');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  });
  assert.deepEqual(lines, []);
});

test('a client that hangs is abandoned; when it closes late, the log says so', async () => {
  let late = (): void => {};
  const lines = await closing((callback) => {
    late = callback;
  });
  const abandoned = 'librdkafka client did not disconnect in time and is abandoned';
  assert.deepEqual(lines, [abandoned]);
  late();
  assert.deepEqual(lines, [abandoned, 'abandoned librdkafka client has disconnected']);
});
