// How much memory this process may use: its container's limit, or the machine's memory.
import { totalmem } from 'node:os';
import { ConfigError } from '../app/config.js';

const variable = 'RAFKA_MEMORY_LIMIT_BYTES';
/** Less than the process needs to start. */
const least = 64 * 1024 * 1024;

/** In bytes. RAFKA_MEMORY_LIMIT_BYTES overrides what the system says. @throws ConfigError */
export function memoryLimit(env: Readonly<Record<string, string | undefined>>): number {
  const text = env[variable];
  if (text === undefined || text === '') return systemLimit();
  const bytes = Number(text);
  if (!Number.isSafeInteger(bytes) || bytes < least)
    throw new ConfigError(`${variable}: '${text}' is no number of bytes of at least ${least}`);
  return bytes;
}

/** Without a limit the cgroup's value is 0 or beyond any memory. */
function systemLimit(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
