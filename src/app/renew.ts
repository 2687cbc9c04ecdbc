// What a running process takes over when it reads its files again (SIGHUP): users, certificates, logins at Kafka.
import { readFileSync } from 'node:fs';
import type { Users } from '../core/access/users.js';
import type { Listener } from '../core/listener.js';
import type { KafkaFactory } from '../core/ports.js';
import type { Renewal } from '../core/renewal.js';
import type { Config } from './config.js';

/** What a running process can take over. */
export const renewalOf = ({ resp, general, consumer, producer, clusters }: Config): Renewal => ({
  access: { requirepass: resp.requirepass, usersFile: resp.usersFile },
  clusters: { default: { general, consumer, producer }, ...clusters },
});

/** @returns what failed, in words */
export async function renew(
  {
    users,
    clusters,
  }: { readonly users: Users; readonly clusters: Iterable<{ readonly name: string; readonly kafka: KafkaFactory }> },
  listeners: readonly Listener[],
  renewal: Renewal,
): Promise<string[]> {
  const failed: string[] = [];
  const attempt = async (what: string, change: () => unknown): Promise<void> => {
    try {
      await change();
    } catch (error) {
      failed.push(`${what}: ${(error as Error).message}`);
    }
  };
  await attempt('users', () => users.reload(renewal.access, (path) => readFileSync(path, 'utf8')));
  for (const listener of listeners) await attempt(listener.name, () => listener.reload?.());
  for (const { name, kafka } of clusters) {
    const sections = renewal.clusters[name];
    if (sections) await attempt(`cluster ${name}`, () => kafka.renew?.(sections));
  }
  return failed;
}
