// The checks of `rafka check` on a Kafka cluster: each address by itself, then the cluster as a client finds it.
import { connect } from 'node:net';
import type { Properties } from '../core/ports.js';
import { createKafkaFactory } from '../kafka/factory.js';
import type { Log } from '../log.js';
import { checkTls } from './check-files.js';
import { type Finding, failed, ok, step, warn } from './findings.js';
import { causeOf } from './health.js';
import { splitAddress } from './split-address.js';

export interface ClusterSettings {
  /** `Kafka`, `source 1`. */
  readonly what: string;
  readonly general: Properties;
  readonly consumer?: Properties;
  readonly producer?: Properties;
}

/** Time limit for one address to accept a connection, ms. */
const connectMs = 3_000;
/** Time limit for a client to connect, with TLS and its login, ms. */
const openMs = 5_000;

/** @param now ms since the epoch, for certificates */
export async function checkCluster(settings: ClusterSettings, now: number, log: Log): Promise<Finding[]> {
  const { what, general, consumer = {}, producer = {} } = settings;
  const merged = { ...general, ...consumer, ...producer };
  const files = filesOf(what, merged, now);
  const kafka = await createKafkaFactory({ general, consumer, producer, log }).catch((error: Error) => error);
  if (kafka instanceof Error) return [...files, failed(what, kafka.message)];
  try {
    const addresses = await Promise.all(kafka.brokers.split(',').map((address) => checkBroker(what, address.trim())));
    const client = await step(`${what} client`, async () => {
      const opened = await kafka.producer({ reports: 'errors', onReport: () => {} }, openMs);
      await opened.close(0);
      return `${securityOf(merged)}: connected`;
    });
    if (client.state !== 'ok') return [...files, ...addresses, client];
    return [...files, ...addresses, client, await clusterFinding(what, kafka.admin)];
  } finally {
    await kafka.close();
  }
}

async function clusterFinding(
  what: string,
  admin: Awaited<ReturnType<typeof createKafkaFactory>>['admin'],
): Promise<Finding> {
  try {
    const [topics, brokers] = await Promise.all([admin.topics(), admin.brokers()]);
    const down = brokers.filter(({ isUp }) => !isUp).map(({ id, address }) => `${id} (${address})`);
    const leaderless = topics.filter(({ partitions }) => partitions.some(({ leader }) => leader < 0)).length;
    const about = `${brokers.length} brokers, ${topics.length} topics that may be seen`;
    if (down.length > 0)
      return failed(`${what} cluster`, `${about}; brokers that take no connection: ${down.join(', ')}`);
    return leaderless > 0
      ? warn(`${what} cluster`, `${about}; ${leaderless} topics have partitions without a leader`)
      : ok(`${what} cluster`, about);
  } catch (error) {
    return failed(`${what} cluster`, (error as Error).message);
  }
}

/** A failing address is only a warning while another one answers: the client decides. */
async function checkBroker(what: string, address: string): Promise<Finding> {
  const bare = address.replace(/^\w+:\/\//, '');
  const { host, port = 9_092 } = splitAddress(bare);
  const socket = connect({ host, port });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(connectMs, () => reject(new Error(`does not answer within ${connectMs / 1_000} s`)));
      socket.once('connect', resolve).once('error', reject);
    });
    return ok(`${what} broker`, `${bare} takes connections`);
  } catch (error) {
    return warn(`${what} broker`, `${bare} ${causeOf(error)}`);
  } finally {
    socket.destroy();
  }
}

function filesOf(what: string, properties: Properties, now: number): Finding[] {
  const path = (key: string): string | undefined => {
    const value = properties[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const ca = path('ssl.ca.location');
  return checkTls(
    what,
    {
      certFile: path('ssl.certificate.location'),
      keyFile: path('ssl.key.location'),
      // `probe` lets librdkafka find the system's; a folder is OpenSSL's business.
      caFile: ca === 'probe' || ca?.endsWith('/') ? undefined : ca,
      passphrase: path('ssl.key.password'),
    },
    now,
  );
}

const securityOf = (properties: Properties): string => {
  const protocol = String(properties['security.protocol'] ?? 'plaintext').toLowerCase();
  const mechanism = properties['sasl.mechanisms'] ?? properties['sasl.mechanism'];
  return protocol.startsWith('sasl') && mechanism !== undefined ? `${protocol} (${mechanism})` : protocol;
};
