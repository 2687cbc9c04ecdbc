// Rafka's own commands: texts and shapes that its clients match on.
import { bulk, bulks, nil, nilArray, OK, type Script } from '../script.js';

const notReady = '-CONS Connection not ready. Identify yourself using `CLIENT SETNAME` first\r\n';
const shape = "-PROD First argument must be in the form of 'topics:<topic>' or 'topics:<topic>:<key>'\r\n";

const message = (topic: string, partition: number, offset: number, value: string): string =>
  `*8\r\n${bulk('topic')}${bulk(topic)}${bulk('partition')}:${partition}\r\n${bulk('offset')}:${offset}\r\n${bulk('value')}${value}`;

const inStrings = bulks('topic', 't', 'partition', '0', 'offset', '0', 'value', 'm');

export const kafka: readonly Script[] = [
  {
    title: 'BLPOP with its numbers as strings',
    topics: { t: 1 },
    steps: [
      [['CLIENT', 'SETNAME', 'g:c'], OK],
      [['RPUSHX', 'topics:t', 'm', 'n'], ':2\r\n'],
      [['BLPOP', 'topics:t:{"rafka.reply":"strings"}', '5'], inStrings],
      [['BLPOP', 'topics:t:{"rafka.reply":"integers"}', '5'], message('t', 0, 1, bulk('n'))],
    ],
  },
  {
    title: 'BLPOP with its numbers as strings, for all',
    settings: { blpopNumbers: 'strings' },
    topics: { t: 1 },
    steps: [
      [['CLIENT', 'SETNAME', 'g:c'], OK],
      [['RPUSHX', 'topics:t', 'm'], ':1\r\n'],
      [['BLPOP', 'topics:t', '5'], inStrings],
    ],
  },
  {
    title: 'MULTI, EXEC, DISCARD, WATCH, UNWATCH',
    topics: { t: 1 },
    steps: [
      [['WATCH', 'topics:t'], OK],
      [['UNWATCH'], OK],
      [
        'MULTI\r\nRPUSHX topics:t a\r\nRPUSHX topics:t b c\r\nEXEC\r\n',
        `${OK}+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n:2\r\n`,
      ],
      ['MULTI\r\nRPUSHX topics:t d\r\nDISCARD\r\n', `${OK}+QUEUED\r\n${OK}`],
      [['LLEN', 'topics:t'], ':3\r\n'],
      [['EXEC'], '-ERR EXEC without MULTI\r\n'],
      [['MULTI', 'x'], "-ERR wrong number of arguments for 'multi' command\r\n"],
      [['DISCARD'], '-ERR DISCARD without MULTI\r\n'],
    ],
  },
  {
    title: 'LRANGE, LINDEX of a topic: its messages, and nothing is taken',
    topics: { t: 1 },
    steps: [
      [['LRANGE', 'topics:t', '0', '-1'], '*0\r\n'],
      [['RPUSHX', 'topics:t', 'a', 'b', 'c'], ':3\r\n'],
      [['WAIT', '0', '5000'], ':0\r\n'],
      [['LRANGE', 'topics:t', '0', '-2'], bulks('a', 'b')],
      [['LINDEX', 'topics:t', '-1'], bulk('c')],
      [['LINDEX', 'topics:t', '3'], nil],
      [['LRANGE', 'topics:none', '0', '-1'], '*0\r\n'],
      [['LINDEX', 'topics:none', '0'], nil],
      [['LRANGE', 't', '0', '-1'], "-ERR Expected argument to be 'topics:', got t\r\n"],
      [['LRANGE', 'topics:t', 'x', '1'], '-ERR value is not an integer or out of range\r\n'],
      [['LLEN', 'topics:t'], ':3\r\n'],
    ],
  },
  {
    title: 'WAIT: what the connection produced is in Kafka',
    topics: { t: 1 },
    steps: [
      [['RPUSHX', 'topics:t', 'm'], ':1\r\n'],
      [['WAIT', '1', '5000'], ':1\r\n'],
      [['WAIT', '3', '0'], ':3\r\n'],
      [['RPUSHX', 'topics:t:k', 'n'], ':1\r\n'],
      [['WAIT', '0', '5000'], ':0\r\n'],
    ],
  },
  {
    title: 'RPUSHX',
    steps: [
      [['RPUSHX', 'topics:t', 'm'], ':1\r\n'],
      [['rpushx', 'topic:t:key', 'm'], ':1\r\n'],
      [['RPUSHX', Buffer.from('topics:t:a:b\0\xff', 'latin1'), 'm'], ':1\r\n'],
      [['RPUSHX', 'topics:t', 'm1', 'm2', 'm3'], ':3\r\n'],
      [['RPUSHX', 'topics:t', ''], ':1\r\n'],
      [['RPUSHX', 'invalid-arg', 'm'], shape],
      [['RPUSHX', 'topics:', 'm'], shape],
      [['RPUSHX', 'topics:t'], '-PROD RPUSHX accepts 2 arguments, got 1\r\n'],
      [['RPUSHX'], '-PROD RPUSHX accepts 2 arguments, got 0\r\n'],
      [['RPUSHX', 'topics:^.*', 'm'], "-PROD Invalid topic name '^.*': use 1 to 249 of A-Z a-z 0-9 . _ -\r\n"],
      [
        ['RPUSHX', 'topics:__consumer_offsets', 'm'],
        "-PROD Topic '__consumer_offsets' is internal: names that begin with __ are Kafka's own\r\n",
      ],
      [['PUBLISH', 'topics:t', 'm'], ':1\r\n'],
      [['RPUSH', 'topics:t', 'm'], ':1\r\n'],
      [['DUMP', '5000'], ':0\r\n'],
    ],
  },
  {
    title: 'internal topics do not exist for clients, whatever they ask',
    topics: { __consumer_offsets: 2 },
    steps: [
      ...['topics:__consumer_offsets', '__consumer_offsets'].flatMap((key): Script['steps'] => [
        [['EXISTS', key], ':0\r\n'],
        [['TYPE', key], '+none\r\n'],
        [['TTL', key], ':-2\r\n'],
        [['MEMORY', 'USAGE', key], nil],
        [['OBJECT', 'ENCODING', key], nil],
        [['OBJECT', 'IDLETIME', key], nil],
        [['OBJECT', 'REFCOUNT', key], nil],
        [['OBJECT', 'FREQ', key], nil],
        [['XLEN', key], /^-ERR '(?:topics:)?__consumer_offsets' cannot be the name of a topic: .*internal\r\n$/],
        [['XINFO', 'STREAM', key], /^-ERR .*internal\r\n$/],
        [['XTRIM', key, 'MAXLEN', '0'], /^-ERR .*internal\r\n$/],
      ]),
      [['LLEN', 'topics:__consumer_offsets'], ':0\r\n'],
      [['KEYS', '*'], '*0\r\n'],
      [['DBSIZE'], ':0\r\n'],
    ],
  },
  {
    title: 'a message that no broker would take is refused before it is read, and the connection lives',
    steps: [
      [['RPUSHX', 'topics:t', 'x'.repeat(1_000_001)], '-PROD Broker: Message size too large\r\n'],
      [['PING'], '+PONG\r\n'],
    ],
  },
  {
    title: 'DUMP',
    steps: [
      [['DUMP', '1'], ':0\r\n'],
      [['DUMP', 'soon'], '-PROD NaN\r\n'],
      [['DUMP'], '-PROD DUMP accepts 1 argument, got 0\r\n'],
      [['DUMP', '1', '2'], '-PROD DUMP accepts 1 argument, got 2\r\n'],
    ],
  },
  {
    title: 'BLPOP that is refused',
    steps: [
      [['BLPOP', 'topics:t', '1'], notReady],
      [['CLIENT', 'SETNAME', 'display'], OK],
      [['BLPOP', 'topics:t', '1'], notReady],
      [['CLIENT', 'SETNAME', 'g:c'], OK],
      [['BLPOP', 'topics:t', 'soon'], '-ERR timeout is not a float or out of range\r\n'],
      [['BLPOP', 'topics:t', '-1'], '-ERR timeout is negative\r\n'],
      [['BLPOP', 'foo', '1'], '-CONS Cannot parse topics from `foo`\r\n'],
      [['BLPOP', 'topics:^.*', '1'], "-CONS Invalid topic name '^.*': use 1 to 249 of A-Z a-z 0-9 . _ -\r\n"],
      [['BLPOP', 'topics:t,__x', '1'], "-CONS Topic '__x' is internal: names that begin with __ are Kafka's own\r\n"],
      [['BLPOP', 'topics:t:{', '1'], /^-CONS Error parsing configuration from 'topics:t:{'; .+\r\n$/],
      [
        ['BLPOP', 'topics:t:{"bootstrap.servers":"x"}', '1'],
        "-CONS Failed to register Consumer 'g:c|t' for Client 'g:c': bootstrap.servers cannot be set by a client\r\n",
      ],
      [['RPUSH', 'acks', 't:0:0'], '-CONS No consumer registered for Client g:c\r\n'],
    ],
  },
  {
    title: 'consuming and acknowledging',
    topics: { t: 1 },
    steps: [
      [['RPUSHX', 'topics:t', 'first', 'second', ''], ':3\r\n'],
      [['DUMP', '5000'], ':0\r\n'],
      [['LLEN', 'topics:t'], ':3\r\n'],
      [['CLIENT', 'SETNAME', 'g:c'], OK],
      [['BLPOP', 'topics:t:{"auto.offset.reset":"earliest"}', '5'], message('t', 0, 0, bulk('first'))],
      [['BLPOP', 'topics:t', '5'], message('t', 0, 1, bulk('second'))],
      [['BLPOP', 'topics:t:', '5000'], message('t', 0, 2, bulk(''))],
      [['BLPOP', 'topics:t', '0.01'], nilArray],
      [['BLPOP', 'topics:t:{"foo":"ignored"}', '0.01'], nilArray],
      [['BLPOP', 'topics:t:{', '1'], /^-CONS Error parsing configuration from 'topics:t:{'; .+\r\n$/],
      [
        ['BLPOP', 'topics:other', '1'],
        "-CONS Client 'g:c' has Consumer 'g:c|t' registered (new consID: 'g:c|other')\r\n",
      ],
      [['RPUSH', 'acks', 't:0:0', 't:0:1'], ':2\r\n'],
      [['RPUSH', 'acks', 't:0:-5'], '-CONS offset cannot be negative, got -5\r\n'],
      [['RPUSH', 'acks', 't:0:foo'], "-CONS Cannot parse ack: 't:0:foo'\r\n"],
      [['RPUSH', 'acks', 't:1'], "-CONS Cannot parse ack: 't:1'\r\n"],
      [['RPUSH', 'acks', 't'], "-CONS Cannot parse ack: 't'\r\n"],
      [['RPUSH', 'other', 't:0:0'], "-CONS You can only RPUSH to the 'acks' key\r\n"],
      [['RPUSH', 'acks', 't:9:0'], '-CONS Partition t:9 is not assigned to g:c\r\n'],
      [['RPUSH', 'acks', 't:0:99'], '-CONS offset 99 of t:0 does not exist\r\n'],
    ],
  },
  {
    title: 'HGETALL and DEL stats',
    steps: [
      [['HGETALL', 'stats'], /^[*%]\d+\r\n\$\d+\r\nproducer\.unflushed\.messages\r\n\$\d+\r\n\d+\r\n/],
      [['HGETALL', 'foo'], "-ERR Expected key to be 'stats', got FOO\r\n"],
      [['DEL', 'stats'], ':1\r\n'],
      [['DEL', 'foo'], "-ERR Expected key to be 'stats', got FOO\r\n"],
    ],
  },
  {
    title: 'MONITOR',
    steps: [
      [['MONITOR'], OK],
      [['RESET'], /\+RESET\r\n/],
    ],
  },
];
