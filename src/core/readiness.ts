// Whether a cluster serves a client that comes now.
import type { ClusterHealth } from './cluster-health.js';
import type { KafkaFactory } from './ports.js';

/** How long a new client may take to connect, ms. */
const openMs = 2_000;

/**
 * Opens a client of its own, as every connection does: one that is open already may live while no other could be opened.
 * @returns what is not well all the same, a line each. @throws KafkaError when no broker answers; Error when nothing can be stored
 */
export async function probeCluster(kafka: KafkaFactory, health: ClusterHealth): Promise<readonly string[]> {
  const looked = health.look(true);
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, openMs);
  const closed = producer.close(0);
  const { isDown, lines } = await looked;
  await closed;
  if (isDown) throw new Error(lines.join('; '));
  return lines;
}
