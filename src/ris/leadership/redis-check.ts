// Whether the Redis of the replicas' election is usable: for `rafka check`.
import { Redis } from 'ioredis';
import { type RedisTls, redisOptions } from '../redis-url.js';

/** @param timeoutMs for the connection and the answer each. @throws Error with Redis' or the system's reason */
export async function checkRedis(url: string, tls: RedisTls | undefined, timeoutMs: number): Promise<void> {
  const redis = new Redis({
    ...redisOptions(url, tls),
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: timeoutMs,
  });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}
