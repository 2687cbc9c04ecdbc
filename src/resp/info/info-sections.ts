// The sections of INFO.
import { totalmem } from 'node:os';
import type { ClusterHealth } from '../../core/cluster-health.js';
import type { Context } from '../command/context.js';
import type { ProcessStatus } from '../siblings/load.js';
import { REDIS_VERSION } from './compatibility.js';
import { knownTopicCount } from './keyspace.js';

/** Read once: the system reads a file for it. */
const systemMemory = totalmem();

type Fields = Readonly<Record<string, string | number>>;

/** What INFO shows that is counted for all processes of the server. */
export interface Counted extends ProcessStatus {
  readonly subscribed: { readonly channels: ReadonlyMap<string, number>; readonly patterns: ReadonlySet<string> };
}

const sections: Readonly<Record<string, (ctx: Context, counted: Counted) => Fields>> = {
  Server: ({ server }) => ({
    redis_version: REDIS_VERSION,
    rafka_version: server.version,
    redis_mode: 'standalone',
    os: `${process.platform} ${process.arch}`,
    arch_bits: 64,
    node_version: process.versions.node,
    librdkafka_version: server.clientVersions.librdkafka,
    node_rdkafka_version: server.clientVersions.nodeRdkafka,
    process_id: server.siblings.server.processId,
    run_id: server.siblings.server.runId,
    tcp_port: server.port,
    server_time_usec: server.nowMicros(),
    uptime_in_seconds: uptime(server.nowMicros(), server.siblings.server.startedAt),
    uptime_in_days: Math.floor(uptime(server.nowMicros(), server.siblings.server.startedAt) / 86_400),
  }),
  Clients: ({ server }, { load }) => ({
    connected_clients: load.clients,
    maxclients: server.settings.maxClients,
    blocked_clients: load.blocked,
  }),
  Memory: (_ctx, { load: { memory: rss } }) => {
    return {
      used_memory: rss,
      used_memory_human: human(rss),
      used_memory_rss: rss,
      used_memory_rss_human: human(rss),
      total_system_memory: systemMemory,
      total_system_memory_human: human(systemMemory),
      maxmemory: 0,
      maxmemory_human: '0B',
      maxmemory_policy: 'noeviction',
      mem_fragmentation_ratio: '1.00',
    };
  },
  Persistence: () => ({ loading: 0, async_loading: 0, rdb_bgsave_in_progress: 0, aof_enabled: 0 }),
  Stats: (_ctx, { stats, subscribed }) => ({
    total_connections_received: stats['resp.connections'] ?? 0,
    total_commands_processed: stats['resp.commands'] ?? 0,
    rejected_connections: stats['resp.connections.refused'] ?? 0,
    acl_access_denied_auth: stats['access.logins.failed'] ?? 0,
    acl_access_denied_cmd: stats['access.denied'] ?? 0,
    expired_keys: 0,
    evicted_keys: 0,
    pubsub_channels: subscribed.channels.size,
    pubsub_patterns: subscribed.patterns.size,
  }),
  Replication: ({ server }) => ({
    role: 'master',
    connected_slaves: 0,
    master_failover_state: 'no-failover',
    master_replid: server.siblings.server.runId,
    master_repl_offset: 0,
  }),
  CPU: (_ctx, { load: { cpuUser, cpuSystem } }) => ({
    used_cpu_sys: (cpuSystem / 1e6).toFixed(6),
    used_cpu_user: (cpuUser / 1e6).toFixed(6),
  }),
  Kafka: ({ server: { gateway } }, { load }) => ({
    kafka_cluster: gateway.cluster.name,
    kafka_brokers: gateway.cluster.kafka.brokers,
    kafka_embedded: gateway.cluster.kafka.embedded ? 1 : 0,
    ...healthFields(gateway.cluster.health),
    kafka_producers: load.producers,
    kafka_spare_producers: load.spareProducers,
    kafka_consumers: load.consumers,
    kafka_in_flight: load.inFlight,
  }),
  Cluster: () => ({ cluster_enabled: 0 }),
  Keyspace(ctx) {
    const keys = knownTopicCount(ctx);
    return keys === 0 ? {} : { db0: `keys=${keys},expires=0,avg_ttl=0` };
  },
};

/** As of the last check of the cluster. */
function healthFields(watched: ClusterHealth | undefined): Fields {
  const health = watched?.latest;
  return {
    kafka_health: health?.state ?? 'unknown',
    kafka_under_replicated_partitions: health?.underReplicated ?? 0,
    kafka_not_enough_replicas_partitions: health?.notEnoughReplicas ?? 0,
    kafka_brokers_down: health?.brokersDown ?? 0,
    kafka_quorum: health?.hasQuorum === undefined ? 'unknown' : health.hasQuorum ? 'ok' : 'lost',
  };
}

const everything = new Set(['all', 'default', 'everything']);

/** The text of INFO. @param wanted names of sections in any case; none: all of them. */
export function infoText(ctx: Context, counted: Counted, wanted: readonly string[]): string {
  const names = new Set(wanted.map((name) => name.toLowerCase()));
  const isAll = names.size === 0 || [...names].some((name) => everything.has(name));
  return Object.entries(sections)
    .filter(([title]) => isAll || names.has(title.toLowerCase()))
    .map(([title, fields]) => section(title, fields(ctx, counted)))
    .join('\r\n');
}

const section = (title: string, fields: Fields): string =>
  `# ${title}\r\n${Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')}`;

const uptime = (nowMicros: number, startedAt: number): number => Math.floor((nowMicros / 1000 - startedAt) / 1000);

function human(bytes: number): string {
  const units = ['B', 'K', 'M', 'G', 'T'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes}B` : `${(bytes / 1024 ** power).toFixed(2)}${units[power]}`;
}
