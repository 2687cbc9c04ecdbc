// Which release of Kafka a broker is of. It does not say: what it supports (ApiVersions) shows it, as each release brought a new request, or a
// new version of one, that brokers with ZooKeeper and with controllers of their own have in common.

/** Requests by their number in Kafka's protocol. */
const request = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetFetch: 9,
  joinGroup: 11,
  leaveGroup: 13,
  listGroups: 16,
  apiVersions: 18,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  describeLogDirs: 35,
  createPartitions: 37,
  deleteGroups: 42,
  incrementalAlterConfigs: 44,
  offsetDelete: 47,
  describeCluster: 60,
  describeTransactions: 65,
  consumerGroupHeartbeat: 68,
} as const;

/** What the first brokers of each release have that those before lack. 3.4 brought nothing that clients see. */
const releases: readonly (readonly [release: string, request: number, version: number])[] = [
  ['0.10', request.apiVersions, 0],
  ['0.11', request.initProducerId, 0],
  ['1.0', request.createPartitions, 0],
  ['1.1', request.deleteGroups, 0],
  ['2.0', request.produce, 6],
  ['2.1', request.produce, 7],
  ['2.2', request.joinGroup, 4],
  ['2.3', request.incrementalAlterConfigs, 0],
  ['2.4', request.offsetDelete, 0],
  ['2.5', request.offsetFetch, 7],
  ['2.6', request.listGroups, 4],
  ['2.7', request.fetch, 12],
  ['2.8', request.describeCluster, 0],
  ['3.0', request.describeTransactions, 0],
  ['3.1', request.metadata, 12],
  ['3.2', request.leaveGroup, 5],
  ['3.3', request.describeLogDirs, 4],
  ['3.5', request.fetch, 15],
  ['3.6', request.addPartitionsToTxn, 4],
  ['3.7', request.produce, 10],
  ['3.8', request.produce, 11],
  ['3.9', request.fetch, 17],
  ['4.0', request.produce, 12],
  ['4.1', request.produce, 13],
  ['4.2', request.listOffsets, 11],
  ['4.3', request.describeLogDirs, 5],
];

/** Releases that look like the one before them. */
const lookAlikes: Readonly<Record<string, string>> = { '3.3': '3.3 to 3.4' };

/**
 * The newest release of which all is there, with all of those before it: a broker that lacks something does not count as newer than it.
 * @param versions the highest that is supported, by a request's number; -1 or nothing: not at all
 */
export function releaseOf(versions: readonly number[]): string {
  const lacking = releases.findIndex(([, key, version]) => (versions[key] ?? -1) < version);
  if (lacking === 0) return 'before 0.10';
  const [last] = releases[(lacking === -1 ? releases.length : lacking) - 1]!;
  return lacking === -1 ? `${last} or newer` : (lookAlikes[last] ?? last);
}

/** Whether members can use Kafka 4's group protocol as librdkafka speaks it. @param versions as above */
export const knowsNewGroupProtocol = (versions: readonly number[]): boolean =>
  (versions[request.consumerGroupHeartbeat] ?? -1) >= 1;

/** What producers need of the messages of 0.11, and the request that shows it. */
const since011 = {
  idempotence: { name: 'enable.idempotence (KIP-98)', key: request.initProducerId, version: 0 },
  headers: { name: 'a record with headers (KIP-82)', key: request.produce, version: 3 },
} as const;

/** Why brokers older than 0.11 cannot do it; undefined: they can. @param versions as above */
export function tooOldFor(feature: keyof typeof since011, versions: readonly number[]): string | undefined {
  const { name, key, version } = since011[feature];
  if ((versions[key] ?? -1) >= version) return undefined;
  return `${name} needs Kafka 0.11, and the brokers are Kafka ${releaseOf(versions)}`;
}
