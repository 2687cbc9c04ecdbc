// The flags of `rafka ris`: each sets one key of the `ris` section, or of another one. The help and the documentation's table use them.

export interface RisFlag {
  /** In commander's form. */
  readonly flag: string;
  /** The key that it sets. */
  readonly path: string;
  readonly about: string;
  readonly choices?: readonly string[];
}

export const risFlags: readonly RisFlag[] = [
  { flag: '--host <list>', path: 'ris.host', about: 'collectors, like rrc00,rrc13, or all (also: RIS_HOST)' },
  { flag: '--url <url>', path: 'ris.url', about: "RIS Live's websocket" },
  { flag: '--client-id <name>', path: 'ris.clientId', about: 'client name sent to RIS Live' },
  { flag: '--topic <template>', path: 'ris.topic', about: 'topic with <collector> and <peer_asn>' },
  {
    flag: '--key <key>',
    path: 'ris.key',
    about: 'record key',
    choices: ['peer', 'peer_asn', 'collector', 'id', 'none'],
  },
  { flag: '--framing <framing>', path: 'ris.framing', about: 'bare BMP or OpenBMP 1.7', choices: ['bmp', 'obmp'] },
  { flag: '--no-raw', path: 'ris.raw', about: 'build every UPDATE from the JSON' },
  { flag: '--no-headers', path: 'ris.headers', about: 'no record headers' },
  { flag: '--timestamp <whose>', path: 'ris.timestamp', about: "a record's time", choices: ['ris', 'produce'] },
  { flag: '--reorder <ms>', path: 'ris.reorderMs', about: 'how long a message waits for earlier ones' },
  {
    flag: '--late <policy>',
    path: 'ris.late',
    about: 'messages that arrive later than that',
    choices: ['drop', 'publish'],
  },
  { flag: '--redundancy <n>', path: 'ris.redundancy', about: 'sockets for each collector' },
  { flag: '--stale <ms>', path: 'ris.staleMs', about: 'replace a socket without a message for this long' },
  { flag: '--buffer <bytes>', path: 'ris.bufferBytes', about: 'memory for received lines, for each collector' },
  { flag: '--commit <ms>', path: 'ris.commitMs', about: 'commit a transaction after this time' },
  { flag: '--commit-messages <n>', path: 'ris.commitMessages', about: 'or with this many messages' },
  {
    flag: '--compression <codec>',
    path: 'ris.compression',
    about: 'compression of the records',
    choices: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
  },
  { flag: '--transactional-id <template>', path: 'ris.transactionalId', about: 'fences the replicas of a collector' },
  {
    flag: '--checkpoint-topic <template>',
    path: 'ris.checkpointTopic',
    about: "compacted topic of a collector's progress",
  },
  { flag: '--no-ha', path: 'ris.ha', about: 'run alone, without Redis' },
  { flag: '--redis <url>', path: 'ris.redis', about: 'Redis for the election of a leader' },
  { flag: '--redis-prefix <text>', path: 'ris.redisPrefix', about: 'prefix of the keys in Redis' },
  { flag: '--lease-ttl <ms>', path: 'ris.leaseTtlMs', about: 'how long a leader leads without renewing' },
  { flag: '--progress <ms>', path: 'ris.progressMs', about: 'interval of the progress line; 0: never' },
  { flag: '--ops-port <port>', path: 'ops.port', about: 'serve /healthz, /readyz and /metrics on this port' },
  { flag: '--log-level <level>', path: 'log.level', about: 'minimum severity of logged lines' },
  { flag: '--log-pretty', path: 'log.pretty', about: 'human-readable log instead of JSON' },
];
