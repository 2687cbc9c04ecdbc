// What a running process takes over when it reads its files again (SIGHUP): users, certificates, logins at Kafka.
import { readFileSync } from 'node:fs';
import type { Users } from '../core/access/users.js';
import type { Listener } from '../core/listener.js';
import type { KafkaFactory } from '../core/ports.js';
import type { Renewal } from '../core/renewal.js';
import type { Log } from '../log.js';
import type { Config } from './config.js';

/** What a running process can take over. */
export const renewalOf = ({ resp, general, consumer, producer, clusters, relay }: Config): Renewal => ({
  access: { requirepass: resp.requirepass, usersFile: resp.usersFile },
  clusters: { default: { general, consumer, producer }, ...clusters },
  relay,
});

/** What takes the renewal over. */
interface Renewed {
  /** Absent: the process has no users. */
  readonly users?: Users | undefined;
  readonly clusters: Iterable<{ readonly name: string; readonly kafka: KafkaFactory }>;
}

/** On SIGHUP: reads users, TLS files and logins again. Logs what cannot be used; the values read before stay in force. */
export async function reload(
  { log, ...renewed }: Renewed & { readonly log: Log },
  listeners: readonly Listener[],
  loadAgain: () => Promise<Config>,
  onRenewal?: (config: Config) => Promise<void>,
): Promise<void> {
  try {
    const config = await loadAgain();
    const failed = await renew(renewed, listeners, renewalOf(config));
    await onRenewal?.(config);
    if (failed.length > 0) log.error({ failed }, 'reload: what could not be used stays as it was');
    else log.info('reload: users, certificates and logins are as in their files now; other settings take a restart');
  } catch (error) {
    log.error({ reason: (error as Error).message }, 'reload: nothing has changed');
  }
}

/** @returns what failed, in words */
export async function renew(
  { users, clusters }: Renewed,
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
  await attempt('users', () => users?.reload(renewal.access, (path) => readFileSync(path, 'utf8')));
  for (const listener of listeners) await attempt(listener.name, () => listener.reload?.(renewal));
  for (const { name, kafka } of clusters) {
    const sections = renewal.clusters[name];
    if (sections) await attempt(`cluster ${name}`, () => kafka.renew?.(sections));
  }
  return failed;
}
