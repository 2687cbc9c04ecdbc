// The gateway's flags: each sets one key of the configuration. `rafka --help` and the table in docs/CONFIGURATION.md come from here.

export interface Flag {
  /** In commander's form. */
  readonly flag: string;
  /** The key that it sets. */
  readonly path: string;
  readonly about: string;
  readonly choices?: readonly string[];
}

export const brokersFlag: Flag = {
  flag: '--brokers <list>',
  path: 'general.bootstrap.servers',
  about: 'Kafka, as host:port,host:port (also: RAFKA_BROKERS)',
};

/** Flags that select the Kafka cluster. */
export const kafkaFlags: readonly Flag[] = [
  brokersFlag,
  { flag: '--embedded', path: 'embedded', about: 'Kafka inside this process, in memory, with NODE_ENV=production too' },
];

export const gatewayFlags: readonly Flag[] = [
  ...kafkaFlags,
  { flag: '--host <address>', path: 'resp.host', about: 'address to listen on' },
  { flag: '-p, --port <port>', path: 'resp.port', about: 'port to listen on' },
  { flag: '--unix-socket <path>', path: 'resp.unixSocket', about: 'listen on a unix socket as well' },
  { flag: '--log-level <level>', path: 'log.level', about: 'minimum severity of logged lines' },
  { flag: '--log-pretty', path: 'log.pretty', about: 'human-readable log instead of JSON' },
  { flag: '--requirepass <password>', path: 'resp.requirepass', about: 'password that clients AUTH with' },
  { flag: '--users-file <file>', path: 'resp.usersFile', about: 'users with their rights (JSON)' },
  { flag: '--strict-names', path: 'resp.strictNames', about: "Rafka's refusals at CLIENT SETNAME" },
  {
    flag: '--blpop-timeout-unit <unit>',
    path: 'resp.blpopTimeoutUnit',
    about: 'unit of BLPOP time-outs; auto: milliseconds from 1000 on, seconds below',
    choices: ['auto', 's', 'ms'],
  },
  {
    flag: '--plain-lists',
    path: 'resp.streams.plainLists',
    about: "RPUSH, LPOP and the like on any key, in Redis' shapes",
  },
  { flag: '--workers <n>', path: 'resp.workers', about: 'processes that serve the port together' },
  { flag: '--max-clients <n>', path: 'resp.maxClients', about: 'maximum connections' },
  { flag: '--max-bulk <bytes>', path: 'resp.maxBulkBytes', about: 'largest argument of a command' },
  { flag: '--max-args <n>', path: 'resp.maxArgs', about: 'maximum arguments of a command' },
  {
    flag: '--query-buffer-limit <bytes>',
    path: 'resp.queryBufferBytes',
    about: 'memory for requests and replies of all clients',
  },
  {
    flag: '--output-buffer-limit <bytes>',
    path: 'resp.outputBufferBytes',
    about: 'unread replies of one client',
  },
  {
    flag: '--idle-timeout <ms>',
    path: 'resp.idleTimeoutMs',
    about: 'close clients that send nothing for this long; 0: never',
  },
  { flag: '--no-protected-mode', path: 'resp.protectedMode', about: 'accept other machines without a password' },
  { flag: '--tls-cert-file <file>', path: 'resp.tls.certFile', about: 'TLS certificate (PEM)' },
  { flag: '--tls-key-file <file>', path: 'resp.tls.keyFile', about: 'TLS private key (PEM)' },
  { flag: '--tls-ca-file <file>', path: 'resp.tls.caFile', about: 'authorities of client certificates (PEM)' },
  {
    flag: '--producer-idle-timeout <ms>',
    path: 'resp.producerIdleTimeoutMs',
    about: 'close producers that are idle for this long; 0: never',
  },
  {
    flag: '--spare-producers <n>',
    path: 'resp.spareProducers',
    about: 'idle producers kept for the next connections; 0: none',
  },
  { flag: '--max-consumers <n>', path: 'resp.maxConsumers', about: 'maximum consumers' },
  {
    flag: '--max-prefetch-bytes <n>',
    path: 'resp.maxPrefetchBytes',
    about: 'bytes of messages buffered for one consuming client',
  },
  { flag: '--produce-timeout <ms>', path: 'resp.produceTimeoutMs', about: 'how long a full queue holds a client back' },
  { flag: '--drain-ms <ms>', path: 'resp.drainMs', about: 'how long acks are accepted while shutting down' },
  { flag: '--http-port <port>', path: 'http.port', about: 'serve the REST API on this port' },
  { flag: '--grpc-port <port>', path: 'grpc.port', about: 'serve the gRPC API on this port' },
  { flag: '--ops-port <port>', path: 'ops.port', about: 'serve /healthz, /readyz and /metrics on this port' },
  { flag: '--shutdown-timeout <ms>', path: 'shutdown.timeoutMs', about: 'time limit of a shutdown' },
];
