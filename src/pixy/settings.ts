// Converts configuration to core's settings for sharing messages and for producing.
import type { Properties } from '../core/ports.js';
import type { ProduceSettings } from '../core/queue/proxy.js';
import type { QueueSettings } from '../core/queue/queue-settings.js';
import type { PoolConfig } from './config.js';
import { consumerProperties, producerProperties } from './defaults.js';

const connectTimeoutMs = 10_000;

/** Of the JSON configuration. */
export function fromPool(
  pool: PoolConfig,
  clientId: string,
  maxMessageBytes: number,
  readAhead: Properties = {},
): { settings: QueueSettings; produce: ProduceSettings } {
  const { produceTimeoutMs, shutdownTimeoutMs, lingerMs, gatherMs, clientId: named = clientId, ...shared } = pool;
  return {
    settings: {
      ...shared,
      clientId: named,
      disabled: false,
      connectTimeoutMs,
      properties: { ...consumerProperties, ...readAhead },
    },
    produce: {
      maxMessageBytes,
      headers: true,
      roundRobin: false,
      produceTimeoutMs,
      shutdownTimeoutMs,
      lingerMs: gatherMs,
      properties: { ...producerProperties, 'linger.ms': lingerMs },
    },
  };
}
