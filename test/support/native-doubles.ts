// Doubles of librdkafka's binding, for tests of the producer and consumer ports that decide what it answers, and when.
import { type Callback, native } from '../../src/kafka/native.js';
import type { ClientProperties } from '../../src/kafka/properties.js';

/** What every client of librdkafka does. */
export class NativeDouble {
  readonly calls: string[] = [];
  /** Ends when disconnect() may answer. */
  disconnected: Promise<void> = Promise.resolve();

  configureCallbacks(): void {}

  connect(callback: Callback<{ name: string }>): void {
    callback(null, { name: 'double' });
  }

  awaitBroker(_timeoutMs: number, callback: Callback): void {
    callback(null);
  }

  disconnect(callback: () => void): void {
    this.calls.push('disconnect');
    void this.disconnected.then(callback);
  }
}

export const noProperties: ClientProperties = {
  global: {},
  topic: {},
  sectionOf: () => undefined,
} as unknown as ClientProperties;

/** The next client of this kind is the double. */
export function use(kind: 'Producer' | 'KafkaConsumer', double: object): void {
  function Constructor(): object {
    return double;
  }
  Object.defineProperty(native, kind, { value: Constructor, configurable: true });
}
