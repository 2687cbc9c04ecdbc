// Produce: one message, waiting for Kafka unless async_mode.
import type { Method, TopicRequest, WireHeader } from '../method.js';

interface ProdRq extends TopicRequest {
  readonly key_value: Buffer;
  readonly key_undefined: boolean;
  readonly message: Buffer;
  readonly async_mode: boolean;
  readonly headers: readonly WireHeader[];
}

const queued = Object.freeze({ partition: -1, offset: -1 });

/** Deviation: an empty key is stored as an empty key (upstream stores none), as over HTTP. */
export const produce = {
  name: 'Produce',
  run({ topic, key_value, key_undefined, message, async_mode, headers }, proxy) {
    const record = { topic, key: key_undefined ? null : key_value, value: message, headers };
    if (!async_mode) return proxy.produce(record);
    return proxy.enqueue(record)?.then(() => queued) ?? queued;
  },
} satisfies Method<ProdRq>;
