// Plain lists and pub/sub. (Stream commands are compared with a real redis-server: streams.test.ts.)
import { bulk, bulks, nil, nilArray, type Script } from '../script.js';

const off = '-ERR plain lists are off (resp.streams.plainLists)\r\n';
const plain = { streams: { plainLists: true, partitions: 1 } };

const booksleeve = (type: string): string => {
  const each = (kind: string, name: string, count: number): string =>
    `${type}3\r\n${bulk(kind)}${bulk(name)}:${count}\r\n`;
  const name = '__Booksleeve_MasterChanged';
  return [
    each('subscribe', name, 1),
    each('subscribe', 'a b', 2),
    each('unsubscribe', 'a b', 1),
    each('unsubscribe', name, 0),
  ].join('');
};

export const streams: readonly Script[] = [
  {
    title: 'plain lists are off by default',
    steps: [
      [['LPUSH', 'q', 'a'], off],
      [['LPOP', 'q'], off],
      [['RPOP', 'q'], off],
      [['BRPOP', 'q', '1'], off],
      [['LMPOP', '1', 'q', 'LEFT'], off],
      [['BLMPOP', '1', '1', 'q', 'LEFT'], off],
      [['RPUSH', 'q', 'a'], "-CONS You can only RPUSH to the 'acks' key\r\n"],
      [['BLPOP', 'q', '1'], '-CONS Cannot parse topics from `q`\r\n'],
    ],
  },
  {
    title: 'plain lists in the shapes of Redis',
    settings: plain,
    steps: [
      [['RPUSH', 'q', 'a', 'b', 'c'], ':3\r\n'],
      [['LPUSH', 'q', 'd', 'e', 'f', 'g'], ':4\r\n'],
      [['LLEN', 'q'], ':7\r\n'],
      [['LPOP', 'q'], bulk('a')],
      [['LPOP', 'q', '2'], bulks('b', 'c')],
      [['BLPOP', 'q', '5'], bulks('q', 'd')],
      [['BRPOP', 'q', '5'], bulks('q', 'e')],
      [['LMPOP', '2', 'other', 'q', 'LEFT'], `*2\r\n${bulk('q')}${bulks('f')}`],
      [['BLMPOP', '5', '1', 'q', 'RIGHT', 'COUNT', '9'], `*2\r\n${bulk('q')}${bulks('g')}`],
      [['LLEN', 'q'], ':0\r\n'],
      [['RPOP', 'q'], nil],
      [['RPOP', 'q', '3'], nilArray],
      [['LPOP', 'q', '0'], nilArray],
      [['LPOP', 'q', '-1'], '-ERR value is out of range, must be positive\r\n'],
      [['BLPOP', 'q', '0.01'], nilArray],
      [['LMPOP', '1', 'q', 'LEFT'], nilArray],
      [['LMPOP', '0', 'q', 'LEFT'], '-ERR numkeys should be greater than 0\r\n'],
      [['LMPOP', '1', 'q', 'UP'], '-ERR syntax error\r\n'],
    ],
  },
  {
    title: 'a reliable queue: an element is pending in q:processing until LREM acknowledges it',
    settings: plain,
    steps: [
      [['RPUSH', 'q', 'a', 'b', 'c'], ':3\r\n'],
      [['LMOVE', 'q', 'q:processing', 'LEFT', 'RIGHT'], bulk('a')],
      [['RPOPLPUSH', 'q', 'q:processing'], bulk('b')],
      [['BRPOPLPUSH', 'q', 'q:processing', '5'], bulk('c')],
      [['LRANGE', 'q:processing', '0', '-1'], bulks('a', 'b', 'c')],
      [['LREM', 'q:processing', '1', 'a'], ':1\r\n'],
      [['LREM', 'q:processing', '1', 'a'], ':0\r\n'],
      [['LREM', 'q:processing', '0', 'b'], ':1\r\n'],
      [['LLEN', 'q:processing'], ':1\r\n'],
      [['LREM', 'q:processing', '-1', 'c'], ':1\r\n'],
      [['LMOVE', 'q', 'q:processing', 'LEFT', 'RIGHT'], nil],
      [['BLMOVE', 'q', 'q:processing', 'LEFT', 'RIGHT', '0.01'], nilArray],
      [['LMOVE', 'q', 'q:processing', 'UP', 'RIGHT'], '-ERR syntax error\r\n'],
      [['LREM', 'q:processing', 'x', 'a'], '-ERR value is not an integer or out of range\r\n'],
    ],
  },
  {
    title: 'pair replies',
    topics: { orders: 1 },
    steps: [
      [['CLIENT', 'SETNAME', 'g:c'], '+OK\r\n'],
      [['RPUSHX', 'topics:orders', 'a', 'b'], ':2\r\n'],
      [['BLPOP', 'topics:orders:{"rafka.reply":"pair"}', '5'], bulks('topics:orders', 'a')],
      [['BLPOP', 'topics:orders:{"rafka.reply":"pair"}', '5'], bulks('topics:orders', 'b')],
      [
        ['BLPOP', 'topics:orders:{"rafka.reply":"map"}', '5'],
        "-CONS Error parsing configuration from 'rafka.reply'; the replies that can be asked for are 'pair', 'strings' and 'integers'\r\n",
      ],
    ],
  },
  {
    title: 'pub/sub: confirmations',
    topics: { orders: 1 },
    steps: [
      [['UNSUBSCRIBE'], push(bulk('unsubscribe'), nil, 0)],
      [['PUNSUBSCRIBE'], push(bulk('punsubscribe'), nil, 0)],
      [['PUBLISH', 'orders', 'x'], ':1\r\n'],
      [
        'SUBSCRIBE __Booksleeve_MasterChanged\r\nSUBSCRIBE "a b"\r\nUNSUBSCRIBE "a b" __Booksleeve_MasterChanged\r\n',
        {
          resp2: booksleeve('*'),
          resp3: booksleeve('>'),
        },
      ],
    ],
  },
];

function push(kind: string, name: { resp2: string; resp3: string }, count: number) {
  return { resp2: `*3\r\n${kind}${name.resp2}:${count}\r\n`, resp3: `>3\r\n${kind}${name.resp3}:${count}\r\n` };
}
