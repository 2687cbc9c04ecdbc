// A message as a source returns it.
import type { Message } from '../../src/core/ports.js';

export const message = (over: Partial<Message> = {}): Message => ({
  topic: 'a',
  partition: 3,
  offset: 7,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: [],
  timestamp: 1_700_000_000_123,
  ...over,
});
