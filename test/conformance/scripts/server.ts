// Server commands: what tools ask before they show anything.
import { bulk, bulks, nil, OK, type Script, text } from '../script.js';

export const server: readonly Script[] = [
  {
    title: 'INFO',
    steps: [
      [
        ['INFO'],
        text(
          '# Server\\r\\nredis_version:7\\.4\\.0\\r\\n.*redis_mode:standalone\\r\\n.*loading:0\\r\\n.*role:master\\r\\n.*',
        ),
      ],
      [['INFO', 'replication'], text('# Replication\\r\\nrole:master\\r\\n.*')],
      [['INFO', 'Kafka', 'keyspace'], text('# Kafka\\r\\nkafka_cluster:default\\r\\n.*\\r\\n\\r\\n# Keyspace\\r\\n')],
      [['INFO', 'nothing'], text('')],
    ],
  },
  {
    title: 'CONFIG',
    steps: [
      [
        ['CONFIG', 'GET', 'databases'],
        { resp2: bulks('databases', '1'), resp3: `%1\r\n${bulk('databases')}${bulk('1')}` },
      ],
      [['CONFIG', 'GET', 'requirepass'], { resp2: '*0\r\n', resp3: '%0\r\n' }],
      [['CONFIG', 'SET', 'databases', '1'], OK],
      [
        ['CONFIG', 'SET', 'databases', '2'],
        "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config\r\n",
      ],
      [
        ['CONFIG', 'REWRITE'],
        '-ERR CONFIG REWRITE is not supported: settings come from the command line, RAFKA_* and the file\r\n',
      ],
      [['CONFIG', 'RESETSTAT'], OK],
      [['CONFIG', 'HELP'], /^\*\d+\r\n\+CONFIG /],
    ],
  },
  {
    title: 'COMMAND',
    steps: [
      [['COMMAND', 'COUNT'], /^:\d+\r\n$/],
      [['COMMAND'], /^\*\d+\r\n\*10\r\n\$3\r\nacl\r\n:-2\r\n/],
      [['COMMAND', 'INFO', 'none'], { resp2: '*1\r\n$-1\r\n', resp3: '*1\r\n_\r\n' }],
      [['COMMAND', 'DOCS', 'echo'], /^[*%]\d\r\n\$4\r\necho\r\n[*%].*Returns the given string\..*message/s],
      [['COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'hel*'], bulks('hello')],
      [['COMMAND', 'LIST', 'FILTERBY', 'MODULE', 'x'], '*0\r\n'],
      [['COMMAND', 'GETKEYS', 'RPUSHX', 'topics:t', 'v'], bulks('topics:t')],
      [['COMMAND', 'HELP'], /^\*\d+\r\n\+COMMAND /],
    ],
  },
  {
    title: 'scripts are refused, and known',
    steps: ['EVAL', 'EVALSHA', 'EVAL_RO', 'EVALSHA_RO', 'FCALL', 'FCALL_RO', 'SCRIPT', 'FUNCTION'].map((name) => [
      [name, 'LOAD', '0'],
      '-ERR scripts are not supported by this server\r\n',
    ]),
  },
  {
    title: 'TIME, ROLE, WAIT',
    steps: [
      [['TIME'], /^\*2\r\n\$10\r\n\d{10}\r\n\$\d\r\n\d{1,6}\r\n$/],
      [['ROLE'], `*3\r\n${bulk('master')}:0\r\n*0\r\n`],
      [['WAIT', '1', '100'], ':1\r\n'],
      [['WAIT', '0', '0'], ':0\r\n'],
      [['WAIT', '1', '-1'], '-ERR timeout is negative\r\n'],
    ],
  },
  {
    title: 'polite and empty',
    steps: [
      [['MODULE', 'LIST'], '*0\r\n'],
      [['MODULE', 'HELP'], /^\*\d+\r\n\+MODULE /],
      [['SLOWLOG', 'GET', '5'], '*0\r\n'],
      [['SLOWLOG', 'LEN'], ':0\r\n'],
      [['SLOWLOG', 'RESET'], OK],
      [['SLOWLOG', 'HELP'], /^\*\d+\r\n\+SLOWLOG /],
      [['LATENCY', 'LATEST'], '*0\r\n'],
      [['LATENCY', 'HISTORY', 'command'], '*0\r\n'],
      [['LATENCY', 'RESET'], ':0\r\n'],
      [['LATENCY', 'HISTOGRAM'], { resp2: '*0\r\n', resp3: '%0\r\n' }],
      [['LATENCY', 'DOCTOR'], text('Latencies are not watched here.*')],
      [['LATENCY', 'HELP'], /^\*\d+\r\n\+LATENCY /],
      [['MEMORY', 'DOCTOR'], text('This is a gateway.*')],
      [['MEMORY', 'STATS'], /^[*%]\d\r\n\$15\r\ntotal\.allocated\r\n:\d+\r\n/],
      [['MEMORY', 'HELP'], /^\*\d+\r\n\+MEMORY /],
    ],
  },
  {
    title: 'refused',
    steps: [
      [['DEBUG', 'SLEEP', '0'], '-ERR DEBUG command not allowed.\r\n'],
      ...['READONLY', 'READWRITE', 'ASKING'].map(
        (name) => [[name], '-ERR This instance has cluster support disabled\r\n'] as const,
      ),
      ...(
        [
          ['COUNTKEYSINSLOT', '1'],
          ['GETKEYSINSLOT', '1', '1'],
          ['INFO'],
          ['KEYSLOT', 'k'],
          ['LINKS'],
          ['MYID'],
          ['NODES'],
          ['REPLICAS', 'x'],
          ['SHARDS'],
          ['SLAVES', 'x'],
          ['SLOTS'],
        ] as const
      ).map((words) => [['CLUSTER', ...words], '-ERR This instance has cluster support disabled\r\n'] as const),
      [['CLUSTER', 'HELP'], /^\*\d+\r\n\+CLUSTER /],
      [['SENTINEL', 'MASTERS'], "-ERR unknown command 'SENTINEL', with args beginning with: 'MASTERS' \r\n"],
      [['NONE', 'return 1', '0'], "-ERR unknown command 'NONE', with args beginning with: 'return 1' '0' \r\n"],
    ],
  },
  {
    title: 'keys that are topics',
    topics: { orders: 3, 'a.b': 1 },
    steps: [
      [['TTL', 'topics:orders'], ':-1\r\n'],
      [['TTL', 'topics:none'], ':-2\r\n'],
      [['PTTL', 'topics:orders'], ':-1\r\n'],
      [['PTTL', 'orders'], ':-1\r\n'],
      [['PTTL', 'no:ne'], ':-2\r\n'],
      [['TYPE', 'topics:orders'], '+list\r\n'],
      [['TYPE', 'topics:none'], '+none\r\n'],
      [['TYPE', 'orders'], '+stream\r\n'],
      [['SCAN', '0', 'TYPE', 'stream'], `*2\r\n${bulk('0')}${bulks('a.b', 'orders')}`],
      [['EXISTS', 'topics:orders', 'topics:a.b', 'topics:none', 'topics:orders'], ':3\r\n'],
      [['LLEN', 'topics:orders'], ':0\r\n'],
      [['DBSIZE'], ':2\r\n'],
      [['INFO', 'keyspace'], text('# Keyspace\\r\\ndb0:keys=2,expires=0,avg_ttl=0\\r\\n')],
      [['OBJECT', 'ENCODING', 'topics:orders'], bulk('quicklist')],
      [['OBJECT', 'ENCODING', 'topics:none'], nil],
      [['OBJECT', 'REFCOUNT', 'topics:orders'], ':1\r\n'],
      [['OBJECT', 'IDLETIME', 'topics:orders'], ':0\r\n'],
      [
        ['OBJECT', 'FREQ', 'topics:orders'],
        '-ERR An LFU maxmemory policy is not selected, access frequency not tracked.\r\n',
      ],
      [['OBJECT', 'HELP'], /^\*\d+\r\n\+OBJECT /],
      [['MEMORY', 'USAGE', 'topics:orders', 'SAMPLES', '5'], ':0\r\n'],
      [['KEYS', 'topics:'], bulks('topics:a.b', 'topics:orders')],
      [['KEYS', 'topics:*'], bulks('topics:a.b', 'topics:orders')],
      [['KEYS', '*'], bulks('topics:a.b', 'topics:orders')],
      [['KEYS', 'topics:o[a-r]ders'], bulks('topics:orders')],
      [['KEYS', '*'.repeat(4097)], '-ERR a pattern has at most 4096 characters, this one has 4097\r\n'],
      [['KEYS', 'foo'], "-ERR Expected argument to be 'topics:', got foo\r\n"],
      [['SCAN', '0'], `*2\r\n${bulk('0')}${bulks('topics:a.b', 'topics:orders')}`],
      [['SCAN', '0', 'COUNT', '1'], `*2\r\n${bulk('1')}${bulks('topics:a.b')}`],
      [['SCAN', '1', 'COUNT', '1', 'MATCH', '*x*'], `*2\r\n${bulk('0')}*0\r\n`],
      [['SCAN', '0', 'TYPE', 'list', 'MATCH', '*ord*'], `*2\r\n${bulk('0')}${bulks('topics:orders')}`],
    ],
  },
];
