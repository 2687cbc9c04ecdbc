// Connection commands: what is not Redis' own to define, or differs from run to run.
import { bulk, bulks, OK, type Script, text } from '../script.js';

const hello = (proto: number): RegExp =>
  new RegExp(
    `^${proto === 3 ? '%7' : '\\*14'}\\r\\n` +
      '\\$6\\r\\nserver\\r\\n\\$5\\r\\nredis\\r\\n\\$7\\r\\nversion\\r\\n\\$5\\r\\n7\\.4\\.0\\r\\n' +
      `\\$5\\r\\nproto\\r\\n:${proto}\\r\\n\\$2\\r\\nid\\r\\n:\\d+\\r\\n\\$4\\r\\nmode\\r\\n\\$10\\r\\nstandalone\\r\\n` +
      '\\$4\\r\\nrole\\r\\n\\$6\\r\\nmaster\\r\\n\\$7\\r\\nmodules\\r\\n\\*0\\r\\n$',
  );

const line =
  'id=\\d+ addr=[^ ]+:\\d+ laddr=[^ ]+:\\d+ fd=0 name=[^ ]* age=\\d+ idle=\\d+ flags=N db=0 .*resp=[23] lib-name=[^ ]* lib-ver=[^ ]*\\n';

export const connection: readonly Script[] = [
  {
    title: 'CLIENT TRACKING: nothing is ever invalidated',
    topics: { t: 1 },
    steps: [
      [['CLIENT', 'TRACKING', 'ON', 'OPTIN'], OK],
      [['CLIENT', 'CACHING', 'YES'], OK],
      [['CLIENT', 'GETREDIR'], ':0\r\n'],
      [['CLIENT', 'TRACKINGINFO'], /optin/],
      [['RPUSHX', 'topics:t', 'm'], ':1\r\n'],
      [['CLIENT', 'TRACKING', 'OFF'], OK],
      [['CLIENT', 'GETREDIR'], ':-1\r\n'],
    ],
  },
  {
    title: 'SELECT of databases that are all the same',
    settings: { databases: 16 },
    steps: [
      [['SELECT', '15'], OK],
      [['SELECT', '16'], '-ERR DB index is out of range\r\n'],
      [
        ['CONFIG', 'GET', 'databases'],
        { resp2: bulks('databases', '16'), resp3: `%1\r\n${bulk('databases')}${bulk('16')}` },
      ],
    ],
  },
  {
    title: 'PING, ECHO, SELECT, QUIT',
    steps: [
      [['PING'], '+PONG\r\n'],
      [['ping', 'hi'], bulk('hi')],
      [['ECHO', 'hi'], bulk('hi')],
      [['SELECT', '0'], OK],
      [['SELECT', '1'], '-ERR DB index is out of range\r\n'],
      [['QUIT'], OK],
    ],
  },
  {
    title: 'HELLO',
    steps: [
      [['HELLO'], { resp2: hello(2), resp3: hello(3) }],
      [['HELLO', '3'], hello(3)],
      [['HELLO', '2'], hello(2)],
      [['HELLO', '3', 'AUTH', 'default', 'anything', 'SETNAME', 'g1:c1'], hello(3)],
      [['CLIENT', 'GETNAME'], bulk('g1:c1')],
      [['HELLO', '2', 'SETNAME', 'g1:c2'], '-CONS Client ID is already set to g1:c1\r\n'],
      [['HELLO', '5'], '-NOPROTO unsupported protocol version\r\n'],
    ],
  },
  {
    title: 'RESET',
    steps: [
      [['CLIENT', 'SETNAME', 'g1:c1'], OK],
      [['RESET'], '+RESET\r\n'],
      [['CLIENT', 'GETNAME'], /^\$\d+\r\n127\.0\.0\.1:\d+\r\n$/],
      [['HELLO'], hello(2)],
      [['CLIENT', 'SETNAME', 'g2:c2'], OK],
    ],
  },
  {
    title: 'a name that is an identity stays',
    steps: [
      [['CLIENT', 'GETNAME'], /^\$\d+\r\n127\.0\.0\.1:\d+\r\n$/],
      [['CLIENT', 'SETNAME', 'display'], OK],
      [['CLIENT', 'SETNAME', 'g1:c:1'], OK],
      [['CLIENT', 'SETNAME', 'g1:c:1'], OK],
      [['CLIENT', 'GETNAME'], bulk('g1:c:1')],
      [['CLIENT', 'SETNAME', 'g1:other'], '-CONS Client ID is already set to g1:c:1\r\n'],
    ],
  },
  {
    title: 'strict names',
    settings: { strictNames: true },
    steps: [
      [['CLIENT', 'SETNAME', 'display'], '-CONS Cannot parse group.id\r\n'],
      [['CLIENT', 'SETNAME', 'g1:c1'], OK],
      [['CLIENT', 'SETNAME', 'g1:c1'], '-CONS Client ID is already set to g1:c1\r\n'],
      [['CLIENT', 'SETNAME', 'g1:c2'], '-CONS Client ID is already set to g1:c1\r\n'],
    ],
  },
  {
    title: 'what a client library tells of itself',
    steps: [
      [['CLIENT', 'SETINFO', 'LIB-NAME', 'go-redis(,go1.26)'], OK],
      [['CLIENT', 'SETINFO', 'lib-ver', '1.2.3'], OK],
      [['CLIENT', 'SETINFO', 'LIB-OTHER', 'x'], "-ERR Unrecognized option 'LIB-OTHER'\r\n"],
      [
        ['CLIENT', 'SETINFO', 'LIB-NAME', 'a b'],
        '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
      ],
      [['CLIENT', 'INFO'], text('id=.*lib-name=go-redis\\(,go1\\.26\\) lib-ver=1\\.2\\.3\\n')],
      [['CLIENT', 'MAINT_NOTIFICATIONS', 'ON'], "-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n"],
    ],
  },
  {
    title: 'CLIENT ID, INFO, LIST',
    steps: [
      [['CLIENT', 'ID'], /^:\d+\r\n$/],
      [['CLIENT', 'INFO'], text(line)],
      [['CLIENT', 'LIST'], text(`(${line})+`)],
      [['CLIENT', 'LIST', 'TYPE', 'normal'], text(`(${line})+`)],
      [['CLIENT', 'LIST', 'TYPE', 'pubsub'], text('')],
      [['CLIENT', 'LIST', 'ID', '999999'], text('')],
    ],
  },
  {
    title: 'CLIENT KILL, UNBLOCK',
    steps: [
      [['CLIENT', 'KILL', 'ID', '999999'], ':0\r\n'],
      [['CLIENT', 'KILL', 'USER', 'nobody', 'SKIPME', 'no'], ':0\r\n'],
      [['CLIENT', 'KILL', 'ADDR', '1.2.3.4:5', 'LADDR', '1.2.3.4:5', 'TYPE', 'normal'], ':0\r\n'],
      [['CLIENT', 'UNBLOCK', '999999'], ':0\r\n'],
    ],
  },
  {
    title: 'CLIENT REPLY, NO-EVICT, NO-TOUCH, HELP',
    steps: [
      ['CLIENT REPLY SKIP\r\nPING\r\nPING after\r\n', bulk('after')],
      ['CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\n', OK],
      [['CLIENT', 'REPLY', 'perhaps'], '-ERR syntax error\r\n'],
      [['CLIENT', 'NO-EVICT', 'ON'], OK],
      [['CLIENT', 'NO-TOUCH', 'OFF'], OK],
      [['CLIENT', 'HELP'], /^\*\d+\r\n\+CLIENT <subcommand> .*\+SETNAME <connection-name>\r\n.*\+HELP\r\n/s],
    ],
  },
  {
    title: 'AUTH with a password set',
    settings: { requirepass: 'sesame' },
    steps: [
      [['PING'], '-NOAUTH Authentication required.\r\n'],
      [['AUTH', 'wrong'], '-WRONGPASS invalid username-password pair or user is disabled.\r\n'],
      [['AUTH', 'nobody', 'sesame'], '-WRONGPASS invalid username-password pair or user is disabled.\r\n'],
      [['AUTH', 'default', 'sesame'], OK],
      [['ACL', 'WHOAMI'], bulk('default')],
      [['RESET'], '+RESET\r\n'],
      [['AUTH', 'sesame'], OK],
    ],
  },
  {
    title: 'ACL',
    steps: [
      [['ACL', 'WHOAMI'], bulk('default')],
      [['ACL', 'USERS'], bulks('default')],
      [['ACL', 'LIST'], bulks('user default on nopass ~* &* +@all')],
      [['ACL', 'CAT'], /^\*21\r\n\$8\r\nkeyspace\r\n/],
      [['ACL', 'CAT', 'blocking'], /^\*\d+\r\n(?:.*\r\n)*\$5\r\nblpop\r\n/],
      [['ACL', 'HELP'], /^\*\d+\r\n\+ACL /],
    ],
  },
];
