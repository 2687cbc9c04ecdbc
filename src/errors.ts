// The error table: every expected failure has a stable code, with its text or status on each listener.

/** gRPC status numbers used by the table (https://grpc.io/docs/guides/status-codes/). */
const grpc = {
  invalid: 3,
  notFound: 5,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

interface Row {
  /** First word of the RESP error. */
  readonly prefix: string;
  /** `%s` takes the arguments in order. */
  readonly text: string;
  readonly http: number;
  readonly grpc: number;
}

const row = (prefix: string, text: string, http = 500, grpcStatus: number = grpc.internal): Row => ({
  prefix,
  text,
  http,
  grpc: grpcStatus,
});

/** Rafka's texts are API (its clients match on them): a conformance script pins each. */
const table = {
  // Identity
  'id-taken': row('CONS', 'id %s is already taken'),
  'id-already-set': row('CONS', 'Client ID is already set to %s'),
  'id-unparsable': row('CONS', 'Cannot parse group.id'),
  'not-identified': row('CONS', 'Connection not ready. Identify yourself using `CLIENT SETNAME` first'),

  // Consuming
  'topics-differ': row('CONS', "Client '%s' has Consumer '%s' registered (new consID: '%s')"),
  'consumer-refused': row('CONS', "Failed to register Consumer '%s' for Client '%s': %s"),
  'topics-unparsable': row('CONS', 'Cannot parse topics from `%s`'),
  'config-unparsable': row('CONS', "Error parsing configuration from '%s'; %s"),
  'too-many-topics': row('CONS', 'A consumer reads %s topics at most, not %s: use more connections', 400, grpc.invalid),
  'poll-failed': row('CONS', 'Poll %s'),
  'shutting-down': row('CONS', 'Server shutdown', 503, grpc.unavailable),
  'too-many-consumers': row('CONS', 'Too many consumers: %s are open (--max-consumers)', 503, grpc.exhausted),
  'consumer-timeout-invalid': row('ERR', 'timeout is not a float or out of range'),
  'consumer-timeout-negative': row('ERR', 'timeout is negative'),

  // Acks
  'ack-key': row('CONS', "You can only RPUSH to the 'acks' key"),
  'ack-unparsable': row('CONS', "Cannot parse ack: '%s'", 400, grpc.invalid),
  'ack-negative': row('CONS', 'offset cannot be negative, got %s', 400, grpc.invalid),
  'ack-no-consumer': row('CONS', 'No consumer registered for Client %s'),
  'ack-not-assigned': row('CONS', 'Partition %s:%s is not assigned to %s'),
  'ack-done': row('CONS', 'offset %s of %s:%s is acknowledged already', 400, grpc.invalid),
  'ack-beyond': row('CONS', 'offset %s of %s:%s does not exist', 400, grpc.invalid),

  // Producing
  'produce-shape': row('PROD', "First argument must be in the form of 'topics:<topic>' or 'topics:<topic>:<key>'"),
  'produce-arity': row('PROD', 'RPUSHX accepts 2 arguments, got %s'),
  'produce-refused': row('PROD', '%s'),
  'queue-full': row('PROD', 'Local: Queue full', 503, grpc.unavailable),
  'produce-unconfirmed': row(
    'PROD',
    'not confirmed within %s s: the message may or may not be in Kafka',
    503,
    grpc.unavailable,
  ),
  'produce-failed-some': row('PROD', '%s of %s messages are not in Kafka: %s'),
  'dump-arity': row('PROD', 'DUMP accepts 1 argument, got %s'),
  'dump-nan': row('PROD', 'NaN'),

  // Transactions
  'exec-aborted': row('EXECABORT', 'Transaction discarded because of: %s'),
  'exec-aborted-errors': row('EXECABORT', 'Transaction discarded because of previous errors.'),
  'transaction-unconfirmed': row('ERR', 'not confirmed: the transaction may or may not be in Kafka: %s'),
  'ack-elsewhere': row('CONS', 'the consumer of %s is in another worker process: acknowledge on its own connection'),
  'entry-not-pending': row(
    'ERR',
    'offset %s of %s:%s is not pending here: it is acknowledged, or a rebalance has taken it',
  ),
  'acks-too-sparse': row('ERR', 'too many gaps between what is acknowledged of %s:%s: acknowledge older entries first'),
  'group-elsewhere': row(
    'ERR',
    'the group %s is read by another worker process, and a transaction cannot take its acks',
  ),
  'element-not-pending': row('ERR', 'no such element of %s is in processing: it is acknowledged, or was given back'),
  'list-move': row(
    'ERR',
    "'%s' cannot be moved to '%s': elements go from a list <key> to <key>:processing and back, because a topic cannot lose one record",
  ),
  'list-remove': row('ERR', "nothing can be removed from '%s': LREM acknowledges elements of <key>:processing"),
  'exec-without-multi': row('ERR', 'EXEC without MULTI'),
  'discard-without-multi': row('ERR', 'DISCARD without MULTI'),
  'multi-nested': row('ERR', 'MULTI calls can not be nested'),
  'watch-in-multi': row('ERR', 'WATCH inside MULTI is not allowed'),
  'not-in-multi': row('ERR', 'Command not allowed inside a transaction'),
  'denied-blocking': row('ERR', "%s isn't allowed for DENY BLOCKING client"),

  // Redis' own texts
  'unknown-command': row('ERR', "unknown command '%s', with args beginning with: %s"),
  'unknown-subcommand': row('ERR', "unknown subcommand '%s'. Try %s HELP."),
  'wrong-arity': row('ERR', "wrong number of arguments for '%s' command"),
  syntax: row('ERR', 'syntax error'),
  'not-integer': row('ERR', 'value is not an integer or out of range'),
  'name-illegal': row('ERR', 'Client names cannot contain spaces, newlines or special characters.'),
  'client-gone': row('ERR', 'the client is gone'),
  'too-many-logins': row(
    'ERR',
    'too many failed logins from this address: try again in a few seconds',
    429,
    grpc.exhausted,
  ),
  'no-auth': row('NOAUTH', 'Authentication required.', 401, grpc.unauthenticated),
  'wrong-password': row('WRONGPASS', 'invalid username-password pair or user is disabled.', 401, grpc.unauthenticated),
  // Begins as Redis' text, for programs that look for it; the remedies are this gateway's.
  'protected-mode': row(
    'DENIED',
    'Redis is running in protected mode because protected mode is enabled and no password is set for the default ' +
      'user. In this mode connections are only accepted from the loopback interface. If you want to connect from external ' +
      'computers you may adopt one of the following solutions: 1) Run the gateway as a sidecar that shares the network ' +
      'namespace of its client. 2) Set a password for the default user with --requirepass, or users with --users-file. ' +
      '3) Switch this mode off with --no-protected-mode, but MAKE SURE that nobody else can reach the port. NOTE: You only ' +
      'need to do one of the above things in order for the server to start accepting connections from the outside.',
    403,
    grpc.denied,
  ),
  'host-refused': row(
    'ERR',
    "Host '%s' is not one of this server's names: add it to http.allowedHosts (rafka pixy: allowed_hosts)",
    403,
    grpc.denied,
  ),
  'origin-refused': row(
    'ERR',
    "a web page of '%s' may not use this server: add its host to http.allowedHosts (rafka pixy: allowed_hosts)",
    403,
    grpc.denied,
  ),
  'protocol-version': row('NOPROTO', 'unsupported protocol version'),
  'invalid-protocol-version': row('ERR', 'Protocol version is not an integer or out of range'),
  'hello-option': row('ERR', "Syntax error in HELLO option '%s'"),
  'hello-no-auth': row(
    'NOAUTH',
    'HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
  ),
  'no-password-set': row(
    'ERR',
    'AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
  ),
  'db-out-of-range': row('ERR', 'DB index is out of range'),
  'library-attribute': row('ERR', "Unrecognized option '%s'"),
  'library-illegal': row('ERR', '%s cannot contain spaces, newlines or special characters.'),
  'no-such-client': row('ERR', 'No such client'),
  'client-id-positive': row('ERR', 'client-id should be greater than 0'),
  'client-id-invalid': row('ERR', 'Invalid client ID'),
  'client-type-unknown': row('ERR', "Unknown client type '%s'"),
  'unblock-reason': row('ERR', 'CLIENT UNBLOCK reason should be TIMEOUT or ERROR'),
  unblocked: row('UNBLOCKED', 'client unblocked via CLIENT UNBLOCK'),
  'tracking-redirects': row('ERR', 'A client can only redirect to a single other client'),
  'tracking-redirect-unknown': row('ERR', 'The client ID you want redirect to does not exist'),
  'tracking-prefix': row('ERR', 'PREFIX option requires BCAST mode to be enabled'),
  'tracking-prefixes': row('ERR', 'a connection tracks %s prefixes at most'),
  'tracking-prefix-overlaps': row(
    'ERR',
    "Prefix '%s' overlaps with %s. Prefixes for a single client must not overlap.",
  ),
  'tracking-switch-bcast': row(
    'ERR',
    "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
  ),
  'tracking-bcast-opt': row('ERR', 'OPTIN and OPTOUT are not compatible with BCAST'),
  'tracking-both-opts': row('ERR', "You can't specify both OPTIN mode and OPTOUT mode"),
  'tracking-switch-opt': row(
    'ERR',
    "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
  ),
  'caching-mode': row(
    'ERR',
    'CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
  ),
  'caching-yes': row('ERR', 'CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.'),
  'caching-no': row('ERR', 'CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.'),
  'timeout-negative': row('ERR', 'timeout is negative'),
  'timeout-integer': row('ERR', 'timeout is not an integer or out of range'),
  'config-unknown': row('ERR', "Unknown option or number of arguments for CONFIG SET - '%s'"),
  'config-immutable': row('ERR', "CONFIG SET failed (possibly related to argument '%s') - can't set immutable config"),
  'config-file': row(
    'ERR',
    'CONFIG REWRITE is not supported: settings come from the command line, RAFKA_* and the file',
  ),
  'scripts-unsupported': row('ERR', 'scripts are not supported by this server'),
  'cluster-disabled': row('ERR', 'This instance has cluster support disabled'),
  'acl-category-unknown': row('ERR', "Unknown category '%s'"),
  'slowlog-count': row('ERR', 'count should be greater than or equal to -1'),
  'debug-refused': row('ERR', 'DEBUG command not allowed.'),
  'lfu-not-selected': row('ERR', 'An LFU maxmemory policy is not selected, access frequency not tracked.'),
  'getkeys-invalid': row('ERR', 'Invalid command specified'),
  'getkeys-none': row('ERR', 'The command has no key arguments'),
  'getkeys-arity': row('ERR', 'Invalid number of arguments specified for command'),

  // Topics and the rest of Rafka's own commands
  'topic-invalid': row('ERR', "Invalid topic name '%s': use 1 to 249 of A-Z a-z 0-9 . _ -", 400, grpc.invalid),
  'topic-internal': row('ERR', "Topic '%s' is internal: names that begin with __ are Kafka's own", 400, grpc.invalid),
  'group-invalid': row(
    'ERR',
    "Invalid group name '%s': use 1 to 1024 bytes of UTF-8 without control characters",
    400,
    grpc.invalid,
  ),
  'invalid-cursor': row('ERR', 'invalid cursor'),
  'memory-limit': row(
    'OOM',
    'requests and replies of all clients take %s bytes at most (resp.queryBufferBytes): ask for less at a time',
    503,
    grpc.exhausted,
  ),
  'pattern-too-long': row('ERR', 'a pattern has at most %s characters, this one has %s', 400, grpc.invalid),
  'stats-key': row('ERR', "Expected key to be 'stats', got %s"),
  'keys-argument': row('ERR', "Expected argument to be 'topics:', got %s"),
  'cluster-unknown': row('ERR', 'proxy `%s` does not exist', 400, grpc.invalid),
  'kafka-unavailable': row('ERR', 'Kafka is not available: %s', 503, grpc.unavailable),
  'peer-silent': row('ERR', 'another worker of this gateway does not answer', 503, grpc.unavailable),

  // The message-at-a-time API (REST, gRPC); Kafka-Pixy's texts are API
  'poll-expired': row('ERR', 'long polling timeout', 408, grpc.notFound),
  'too-many-requests': row(
    'ERR',
    'Too many requests. Consider increasing `consumer.channel_buffer_size` (https://github.com/mailgun/kafka-pixy/blob/master/default.yaml#L43)',
    429,
    grpc.exhausted,
  ),
  'pixy-stopping': row('ERR', 'service is shutting down', 503, grpc.unavailable),
  'consume-denied': row('ERR', 'Kafka does not permit it: %s', 403, grpc.denied),
  'consume-refused': row('ERR', 'the group cannot be read: %s', 503, grpc.unavailable),
  'consume-disabled': row('ERR', 'service is disabled by configuration', 503, grpc.unavailable),
  'acks-channel-missing': row('ERR', 'acks channel missing for {%s %s %s}'),
  'ack-numbers': row('ERR', 'invalid ack: %s', 400, grpc.invalid),
  'group-count': row('ERR', 'one consumer group is expected, but %s provided', 400, grpc.invalid),
  'group-empty': row('ERR', 'consumer group must not be empty', 400, grpc.invalid),
  'request-invalid': row('ERR', '%s', 400, grpc.invalid),
  'headers-unsupported': row(
    'ERR',
    'headers are not supported with this version of Kafka. Consider changing `kafka.version` (https://github.com/mailgun/kafka-pixy/blob/master/default.yaml#L35)',
    400,
    grpc.invalid,
  ),
  'message-too-large': row('ERR', 'kafka server: Message was too large, server rejected it to avoid allocation error.'),
  'produce-topic-unknown': row(
    'ERR',
    'kafka server: Request was for a topic or partition that does not exist on this broker.',
    404,
    grpc.invalid,
  ),
  'produce-failed': row('ERR', '%s'),
  'topic-unknown': row('ERR', 'Unknown topic', 404, grpc.notFound),
  'group-unknown': row('ERR', 'unknown consumer group %s', 400, grpc.notFound),
  'group-topic-unknown': row('ERR', 'topic %s is not consumed by %s', 400, grpc.notFound),
  'group-active': row('ERR', 'group %s is active elsewhere, its offsets can be set when these members have left: %s'),
  'kafka-refused': row('ERR', '%s'),
  'bodies-too-large': row('ERR', 'too many large request bodies at once', 503, grpc.exhausted),
  'body-too-large': row('ERR', 'request body is too large', 413, grpc.exhausted),

  'not-permitted': row('NOPERM', '%s', 403, grpc.denied),

  // The console
  'actions-off': row('ERR', 'actions are switched off: set ops.allowActions', 403, grpc.denied),
  'csrf-missing': row('ERR', 'the header X-Csrf-Token must carry the token of GET /api/v1/session', 403, grpc.denied),
  'payloads-off': row('ERR', 'payloads are not shown: set ops.showPayloads', 403, grpc.denied),
  'console-streams': row('ERR', '%s streams of the console are open: close one', 503, grpc.exhausted),

  // Streams (Redis' own texts where it has one)
  'stream-id': row('ERR', 'Invalid stream ID specified as stream command argument', 400, grpc.invalid),
  'stream-id-assigned': row('ERR', 'The ID of an entry is assigned by Kafka, use *', 400, grpc.invalid),
  'stream-name': row('ERR', "'%s' cannot be the name of a topic: %s", 400, grpc.invalid),
  'stream-unconfirmed': row(
    'ERR',
    'not confirmed within %s s: the entry may or may not be in Kafka',
    503,
    grpc.unavailable,
  ),
  'stream-refused': row('ERR', 'not written: %s', 500),
  'stream-missing': row('ERR', 'no such key', 404, grpc.notFound),
  'range-start': row('ERR', 'invalid start ID for the interval', 400, grpc.invalid),
  'range-end': row('ERR', 'invalid end ID for the interval', 400, grpc.invalid),
  'group-ended': row('NOGROUP', 'the consumer group this client was blocked on no longer exists', 404, grpc.notFound),
  'group-missing': row('NOGROUP', "No such consumer group '%s' for key name '%s'", 404, grpc.notFound),
  'group-or-stream-missing': row('NOGROUP', "No such key '%s' or consumer group '%s'", 404, grpc.notFound),
  'group-missing-reading': row(
    'NOGROUP',
    "No such key '%s' or consumer group '%s' in XREADGROUP with GROUP option",
    404,
    grpc.notFound,
  ),
  'group-exists': row('BUSYGROUP', 'Consumer Group name already exists', 409, grpc.precondition),
  'group-needs-stream': row(
    'ERR',
    'The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
    404,
    grpc.notFound,
  ),
  subscribed: row(
    'ERR',
    "Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
  ),
  'plain-lists-off': row('ERR', 'plain lists are off (resp.streams.plainLists)', 400, grpc.precondition),
  'stream-argument': row('ERR', '%s', 400, grpc.invalid),
  'delete-refused': row('ERR', '%s', 403, grpc.precondition),

  // The start
  'file-unusable': row('ERR', '%s: %s', 500, grpc.precondition),

  // The relay
  'relay-config': row('ERR', 'relay configuration: %s', 400, grpc.invalid),
  'relay-refused': row('ERR', '%s: %s', 500, grpc.precondition),
  'relay-waiting': row('ERR', '%s: %s', 503, grpc.unavailable),
} as const satisfies Record<string, Row>;

export type ErrorCode = keyof typeof table;

/** An expected failure, reported to the caller. Anything else that is thrown is a defect and treated as one. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  /** The text's arguments: with the code, all that another process needs to throw the same error. */
  readonly args: readonly (string | number)[];

  constructor(code: ErrorCode, args: readonly (string | number)[] = [], options?: ErrorOptions) {
    // No stack: it is not used, and under a flood of bad commands it took a quarter of the CPU.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(format(table[code].text, args), options);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'GatewayError';
    this.code = code;
    this.args = args;
  }

  /** The RESP error line without the leading `-`. */
  get resp(): string {
    return `${table[this.code].prefix} ${this.message}`;
  }

  get httpStatus(): number {
    return table[this.code].http;
  }

  get grpcStatus(): number {
    return table[this.code].grpc;
  }
}

/** Short form: `throw fail('id-taken', id)`. */
export const fail = (code: ErrorCode, ...args: (string | number)[]): GatewayError => new GatewayError(code, args);

/** For the docs and their test. */
export const errorTable: Readonly<Record<ErrorCode, Row>> = table;

function format(text: string, args: readonly (string | number)[]): string {
  let next = 0;
  return text.replaceAll('%s', () => String(args[next++] ?? ''));
}
