// Memory that kept messages cost.
import type { Message } from './ports.js';

/** Approximate overhead, bytes. */
export function messageBytes({ key, value, headers }: Message): number {
  let bytes = 200 + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0) + 50;
  return bytes;
}
