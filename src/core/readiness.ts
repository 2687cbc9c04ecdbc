// Whether a cluster serves a new client.
import type { ClusterHealth } from './cluster-health.js';
import type { KafkaFactory } from './ports.js';

/** Time limit for a new client to connect, ms. */
const openMs = 2_000;

/**
 * Opens a client of its own, as every connection does: an open one may still work when no other could be opened.
 * @returns the brokers' release if known, and problems that do not prevent service, one line each. @throws KafkaError if no broker answers; Error if nothing can be stored
 */
export async function probeCluster(kafka: KafkaFactory, health: ClusterHealth): Promise<readonly string[]> {
  const looked = health.look(true);
  const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, openMs);
  const closed = producer.close(0);
  const { isDown, lines } = await looked;
  await closed;
  if (isDown) throw new Error(lines.join('; '));
  const release = await kafka.admin.release();
  return release === undefined ? lines : [`Kafka ${release}`, ...lines];
}
