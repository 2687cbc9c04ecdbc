// Redis' ACL categories, derived from a command's group and flags.
import type { Command } from './context.js';

/** All that Redis knows, in its order. */
export const aclCategories: readonly string[] = [
  'keyspace',
  'read',
  'write',
  'set',
  'sortedset',
  'list',
  'hash',
  'string',
  'bitmap',
  'hyperloglog',
  'geo',
  'stream',
  'pubsub',
  'admin',
  'fast',
  'slow',
  'blocking',
  'dangerous',
  'connection',
  'transaction',
  'scripting',
];

/** The categories of a command, in Redis' order. */
export function categoriesOf({ group, flags, keys, name }: Command): string[] {
  const category = group === 'transactions' ? 'transaction' : group;
  const found = new Set<string>([group === 'generic' && (keys || name === 'scan') ? 'keyspace' : category]);
  if (flags.includes('readonly')) found.add('read');
  if (flags.includes('write')) found.add('write');
  if (flags.includes('pubsub')) found.add('pubsub');
  if (flags.includes('blocking')) found.add('blocking');
  if (flags.includes('admin')) found.add('admin').add('dangerous');
  found.add(flags.includes('fast') ? 'fast' : 'slow');
  return aclCategories.filter((category) => found.has(category));
}
