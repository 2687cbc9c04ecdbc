// Pub/sub: tails of topics under the names that pub/sub programs use.
import { bulk, type Expected, type Script } from '../script.js';

/** A push of three: in RESP3 of its own type. */
const push = (kind: string, channel: string | null, count: number): Expected => {
  const body = (nil: string): string => `${bulk(kind)}${channel === null ? nil : bulk(channel)}:${count}\r\n`;
  return { resp2: `*3\r\n${body('$-1\r\n')}`, resp3: `>3\r\n${body('_\r\n')}` };
};

export const pubsub: readonly Script[] = [
  {
    title: 'UNSUBSCRIBE from nothing',
    topics: { news: 1 },
    steps: [
      [['UNSUBSCRIBE'], push('unsubscribe', null, 0)],
      [['PUNSUBSCRIBE'], push('punsubscribe', null, 0)],
      [['UNSUBSCRIBE', 'topics:news'], push('unsubscribe', 'topics:news', 0)],
      [['SUBSCRIBE'], "-ERR wrong number of arguments for 'subscribe' command\r\n"],
      [['PSUBSCRIBE'], "-ERR wrong number of arguments for 'psubscribe' command\r\n"],
    ],
  },
  {
    title: 'SUBSCRIBE, PSUBSCRIBE and back',
    topics: { news: 1 },
    steps: [
      [
        'SUBSCRIBE topics:news\r\nPSUBSCRIBE topics:n*\r\nUNSUBSCRIBE topics:news\r\nPUNSUBSCRIBE topics:n*\r\n',
        /subscribe\r\n\$11\r\ntopics:news\r\n:1\r\n.*psubscribe\r\n\$9\r\ntopics:n\*\r\n:2\r\n.*unsubscribe\r\n\$11\r\ntopics:news\r\n:1\r\n.*punsubscribe\r\n\$9\r\ntopics:n\*\r\n:0\r\n/s,
      ],
      [['PING'], '+PONG\r\n'],
    ],
  },
  {
    title: 'PUBSUB without subscribers',
    topics: { news: 1 },
    steps: [
      [['PUBSUB', 'CHANNELS'], '*0\r\n'],
      [['PUBSUB', 'CHANNELS', 'n*'], '*0\r\n'],
      [['PUBSUB', 'NUMSUB', 'topics:news'], `*2\r\n${bulk('topics:news')}:0\r\n`],
      [['PUBSUB', 'NUMPAT'], ':0\r\n'],
      [['PUBSUB', 'HELP'], /NUMPAT/],
      [
        ['PUBSUB', 'CHANNELS', 'a', 'b'],
        "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n",
      ],
    ],
  },
];
