// What Redis itself defines, byte for byte as a real redis-server answers it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { met, whyNoCommand } from '../support/needs.js';
import { RedisServer } from '../support/redis-server.js';
import { RawClient, RespPair } from '../support/resp-pair.js';

type Script = readonly (string | readonly string[])[];

const line = (bytes: number): string => 'a'.repeat(bytes);

const inline = (...lines: string[]): string => lines.map((each) => `${each}\r\n`).join('');

/** Each is sent to both on a connection of its own: bytes as they are, or a command. */
const scripts: Readonly<Record<string, Script>> = {
  // Frames
  'no words at all': ['*0\r\n', ['PING'], '*-1\r\n', ['PING'], '*-10\r\n', ['PING']],
  'what stands in place of the line end of a bulk does not matter': ['*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n'],
  'an empty command name': ['*1\r\n$0\r\n\r\n'],

  // Inline commands
  'inline: PING': ['PING\r\n', 'ping\n', '  PING  \r\n', 'PiNg hello\r\n'],
  'inline: empty lines': ['\r\n\r\n\n', '   \r\n', 'PING\r\n'],
  'inline: double quotes': [
    'ECHO "a b"\r\n',
    'ECHO "\\x41\\n\\r\\t\\a\\b\\q\\"\\\\"\r\n',
    'ECHO ""\r\n',
    'ECHO "\\xzz"\r\n',
  ],
  'inline: single quotes': ["ECHO 'a \"b'\r\n", "ECHO 'it\\'s'\r\n", "ECHO 'a\\nb'\r\n"],
  'inline: quotes within a word': ['ECHO a"b c"\r\n'],
  'inline: a long line': [`ECHO ${line(60_000)}\r\n`],
  'inline and arrays mixed': ['PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n'],

  // Commands as such
  'unknown commands': [['FOO'], ['foo', 'a', 'b c'], ['FOO', line(200), 'x'], [line(200)], ['foo\r\nbar', 'a\nb']],
  'unknown subcommands': [
    ['CLIENT', 'FOO'],
    ['config', 'foo', 'x'],
    ['COMMAND', 'FOO'],
    ['OBJECT', 'x', 'y'],
  ],
  'wrong numbers of arguments': [
    ['ECHO'],
    ['ECHO', 'a', 'b'],
    ['PING', 'a', 'b'],
    ['CLIENT'],
    ['CLIENT', 'ID', 'x'],
    ['CLIENT', 'SETNAME'],
    ['CONFIG', 'GET'],
    ['CONFIG', 'SET', 'a'],
    ['SELECT'],
    ['TIME', 'x'],
    ['AUTH'],
    ['RESET', 'x'],
    ['TTL'],
    ['MONITOR', 'x'],
    ['OBJECT'],
    ['WAIT', '1'],
  ],
  PING: [['PING'], ['ping', 'hello'], ['PING', '']],
  'ECHO of any bytes': ['*2\r\n$4\r\nECHO\r\n$6\r\n\0\r\n\xff\x80a\r\n'],
  SELECT: [
    ['SELECT', '0'],
    ['SELECT', '99'],
    ['SELECT', '-1'],
    ['SELECT', 'a'],
    ['SELECT', ''],
  ],
  'HELLO that is refused': [
    ['HELLO', '4'],
    ['HELLO', '1'],
    ['HELLO', 'x'],
    ['HELLO', '2', 'FOO'],
    ['HELLO', '2', 'AUTH', 'a'],
    ['HELLO', '2', 'SETNAME'],
    ['HELLO', '2', 'SETNAME', 'a b'],
    ['HELLO', '2', 'AUTH', 'nobody', 'x'],
  ],
  'AUTH without a password set': [
    ['AUTH', 'x'],
    ['AUTH', 'a', 'b'],
    ['AUTH', 'a', 'b', 'c'],
    ['AUTH', 'default', 'x'],
  ],
  'CLIENT SETNAME': [
    ['CLIENT', 'SETNAME', 'a b'],
    ['CLIENT', 'SETNAME', 'a\nb'],
    ['CLIENT', 'SETNAME', 'ü'],
    ['CLIENT', 'SETNAME', 'g1:c1'],
    ['CLIENT', 'GETNAME'],
  ],
  'CLIENT REPLY': [
    ['CLIENT', 'REPLY', 'x'],
    ['CLIENT', 'REPLY', 'ON'],
    'CLIENT REPLY SKIP\r\nPING skipped\r\nPING answered\r\n',
    'CLIENT REPLY OFF\r\nPING unheard\r\nFOO\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n',
  ],
  'CLIENT KILL, LIST and UNBLOCK that are refused': [
    ['CLIENT', 'KILL', 'x'],
    ['CLIENT', 'KILL', 'ID', 'x'],
    ['CLIENT', 'KILL', 'ID', '999999'],
    ['CLIENT', 'KILL', 'TYPE', 'x'],
    ['CLIENT', 'KILL', 'FOO', 'x'],
    ['CLIENT', 'KILL', 'SKIPME', 'x'],
    ['CLIENT', 'KILL', 'ID', '1', 'SKIPME'],
    ['CLIENT', 'LIST', 'TYPE', 'x'],
    ['CLIENT', 'LIST', 'ID', 'x'],
    ['CLIENT', 'LIST', 'FOO'],
    ['CLIENT', 'UNBLOCK', '999999'],
    ['CLIENT', 'UNBLOCK', 'x'],
    ['CLIENT', 'UNBLOCK', '1', 'x'],
    ['CLIENT', 'NO-EVICT', 'x'],
    ['CLIENT', 'NO-EVICT', 'on'],
  ],
  CONFIG: [
    ['CONFIG', 'GET', 'nothing-like-this'],
    ['CONFIG', 'GET', 'SAV?'],
    ['CONFIG', 'GET', 'appendonly'],
    ['CONFIG', 'SET', 'foo', 'bar'],
  ],
  // In one write each: what ends an exchange would be kept as well.
  'MULTI, EXEC, DISCARD': [
    ['EXEC'],
    ['DISCARD'],
    ['EXEC', 'x'],
    ['MULTI', 'x'],
    inline('MULTI', 'EXEC'),
    inline('MULTI', 'PING', 'ECHO a', 'PING b', 'TTL topics:none', 'EXEC'),
    inline('MULTI', 'PING', 'DISCARD', 'EXEC', 'PING'),
  ],
  'MULTI: errors while queueing': [
    inline('MULTI', 'FOO a', 'PING', 'EXEC', 'EXEC'),
    inline('MULTI', 'ECHO', 'EXEC'),
    inline('MULTI', 'CLIENT FOO', 'DISCARD'),
    inline('MULTI', 'MULTI', 'PING', 'EXEC'),
    inline('MULTI', 'WATCH a', 'PING', 'EXEC'),
    inline('MULTI', 'DISCARD x', 'EXEC'),
  ],
  'MULTI: a command that fails does not stop the others': [
    inline('MULTI', 'SELECT 99', 'PING', 'CLIENT UNBLOCK x', 'EXEC'),
    inline('MULTI', 'AUTH a b', 'SELECT a', 'PING', 'EXEC'),
  ],
  'WATCH, UNWATCH': [
    ['WATCH', 'topics:none'],
    ['WATCH'],
    ['UNWATCH'],
    ['UNWATCH', 'x'],
    ['WATCH', 'a', 'b'],
    inline('MULTI', 'UNWATCH', 'PING', 'EXEC'),
  ],
  'MULTI and RESET, MONITOR': [
    inline('MULTI', 'PING', 'RESET', 'EXEC'),
    inline('MULTI', 'CLIENT SETNAME x', 'CLIENT GETNAME', 'EXEC'),
    inline('MULTI', 'MONITOR', 'PING', 'EXEC'),
  ],
  'COMMAND INFO of transactions': [
    ['COMMAND', 'INFO', 'multi'],
    ['COMMAND', 'INFO', 'exec'],
    ['COMMAND', 'INFO', 'discard'],
    ['COMMAND', 'INFO', 'unwatch'],
  ],
  'CLIENT TRACKING': [
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'GETREDIR'],
    ['CLIENT', 'CACHING', 'YES'],
    ['CLIENT', 'TRACKING', 'x'],
    ['CLIENT', 'TRACKING', 'ON', 'FOO'],
    ['CLIENT', 'TRACKING', 'ON', 'REDIRECT'],
    ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', 'x'],
    ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', '9999999'],
    ['CLIENT', 'TRACKING', 'ON', 'PREFIX', 'a'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTIN', 'OPTOUT'],
    ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'OPTIN'],
    ['CLIENT', 'TRACKING', 'on', 'noloop'],
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'GETREDIR'],
    ['CLIENT', 'CACHING', 'YES'],
    ['CLIENT', 'TRACKING', 'ON', 'BCAST'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTIN'],
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'CACHING', 'YES'],
    ['CLIENT', 'CACHING', 'NO'],
    ['CLIENT', 'CACHING', 'x'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTOUT'],
    ['CLIENT', 'TRACKING', 'OFF'],
    ['CLIENT', 'TRACKING', 'ON', 'OPTOUT', 'NOLOOP'],
    ['CLIENT', 'CACHING', 'NO'],
    ['CLIENT', 'TRACKING', 'OFF', 'FOO'],
    ['CLIENT', 'TRACKING', 'OFF'],
    ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'foo', 'PREFIX', 'bar'],
    ['CLIENT', 'TRACKINGINFO'],
    ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'f'],
    ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'x', 'PREFIX', 'xy'],
    ['RESET'],
    ['CLIENT', 'TRACKINGINFO'],
  ],
  'what is not there': [
    ['CLUSTER', 'INFO'],
    ['CLUSTER', 'NODES'],
    ['CLUSTER', 'FOO'],
    ['SENTINEL', 'MASTERS'],
    ['MODULE', 'LIST'],
    ['READONLY'],
    ['READWRITE'],
    ['ASKING'],
  ],
  'a master without replicas': [['ROLE'], ['WAIT', '0', '0'], ['WAIT', 'x', '1'], ['WAIT', '1', 'x']],
  'keys that do not exist': [
    ['TTL', 'topics:none'],
    ['PTTL', 'topics:none'],
    ['OBJECT', 'ENCODING', 'topics:none'],
    ['OBJECT', 'FREQ', 'topics:none'],
    ['OBJECT', 'IDLETIME', 'topics:none'],
    ['MEMORY', 'USAGE', 'topics:none'],
    ['MEMORY', 'USAGE', 'topics:none', 'SAMPLES', 'x'],
    ['TYPE', 'topics:none'],
    ['EXISTS', 'topics:none', 'topics:other'],
    ['LLEN', 'topics:none'],
  ],
  ACL: [
    ['ACL', 'WHOAMI'],
    ['ACL', 'CAT'],
    ['ACL', 'CAT', 'foo'],
    ['ACL', 'USERS'],
    ['ACL', 'LIST'],
  ],
  'SLOWLOG and LATENCY': [
    ['SLOWLOG', 'GET'],
    ['SLOWLOG', 'GET', '-2'],
    ['SLOWLOG', 'GET', 'x'],
    ['SLOWLOG', 'LEN'],
    ['SLOWLOG', 'RESET'],
    ['LATENCY', 'LATEST'],
    ['LATENCY', 'HISTORY', 'x'],
    ['LATENCY', 'RESET'],
  ],
  'COMMAND INFO': [
    ['COMMAND', 'INFO', 'ping'],
    ['COMMAND', 'INFO', 'echo'],
    ['COMMAND', 'INFO', 'hello'],
    ['COMMAND', 'INFO', 'auth'],
    ['COMMAND', 'INFO', 'select'],
    ['COMMAND', 'INFO', 'quit'],
    ['COMMAND', 'INFO', 'reset'],
    ['COMMAND', 'INFO', 'time'],
    ['COMMAND', 'INFO', 'monitor'],
    ['COMMAND', 'INFO', 'debug'],
    ['COMMAND', 'INFO', 'client|setname'],
    ['COMMAND', 'INFO', 'client|getname'],
    ['COMMAND', 'INFO', 'client|id'],
    ['COMMAND', 'INFO', 'client|list'],
    ['COMMAND', 'INFO', 'client|kill'],
    ['COMMAND', 'INFO', 'client|reply'],
    ['COMMAND', 'INFO', 'client|unblock'],
    ['COMMAND', 'INFO', 'config|get'],
    ['COMMAND', 'INFO', 'config|resetstat'],
    ['COMMAND', 'INFO', 'acl|whoami'],
    ['COMMAND', 'INFO', 'slowlog|len'],
    ['COMMAND', 'INFO', 'none'],
    ['COMMAND', 'INFO', 'none', 'ping'],
  ],
  'COMMAND GETKEYS': [
    ['COMMAND', 'GETKEYS', 'ttl', 'a'],
    ['COMMAND', 'GETKEYS', 'blpop', 'a', 'b', '1'],
    ['COMMAND', 'GETKEYS', 'object', 'encoding', 'a'],
    ['COMMAND', 'GETKEYS', 'ping', 'a'],
    ['COMMAND', 'GETKEYS', 'foo', 'a'],
    ['COMMAND', 'GETKEYS', 'ttl', 'a', 'b'],
    ['COMMAND', 'GETKEYS', 'ping'],
  ],
  'COMMAND DOCS of nothing': [['COMMAND', 'DOCS', 'foo']],
  'COMMAND LIST that is refused': [
    ['COMMAND', 'LIST', 'FILTERBY', 'FOO', 'x'],
    ['COMMAND', 'LIST', 'FOO'],
  ],
  RESET: [['RESET'], ['PING']],
  'DEL and RPUSH without arguments': [['DEL'], ['RPUSH', 'a'], ['BLPOP', 'a'], ['HGETALL'], ['KEYS'], ['SCAN']],
  'SCAN with a bad cursor': [['SCAN', 'x']],
};

/** Sent on a connection that the server then closes: all it answers before. */
const closing: Readonly<Record<string, string>> = {
  'multibulk length: letters': '*abc\r\n',
  'multibulk length: nothing': '*\r\n',
  'multibulk length: a plus sign': '*+1\r\n',
  'multibulk length: a leading zero': '*01\r\n',
  'multibulk length: a minus sign alone': '*-\r\n',
  'multibulk length: minus zero': '*-0\r\n',
  'multibulk length: spaces': '* 1\r\n',
  'multibulk length: beyond 32 bits': '*4294967296\r\n',
  'multibulk length: beyond 64 bits': '*99999999999999999999\r\n',
  'bulk length: letters': '*1\r\n$abc\r\n',
  'bulk length: negative': '*1\r\n$-1\r\n',
  'bulk length: nothing': '*1\r\n$\r\n',
  'bulk length: huge': '*1\r\n$999999999999\r\n',
  'bulk length: a leading zero': '*1\r\n$04\r\nPING\r\n',
  'expected a bulk: an integer': '*1\r\n:1\r\n',
  'expected a bulk: an array': '*1\r\n*1\r\n',
  'expected a bulk: a line end': '*1\r\n\r\n',
  'commands before a protocol error are answered': '*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n*1\r\n!\r\n',
  'inline: unbalanced double quotes': 'ECHO "a\r\n',
  'inline: unbalanced single quotes': "ECHO 'a\r\n",
  'inline: something behind a closing quote': 'ECHO "a"b\r\n',
  'inline: a line without end': line(70_000),
  'HTTP is cut off': 'POST / HTTP/1.1\r\nHost: x\r\n\r\n',
  'QUIT with arguments, and nothing after it': 'QUIT a b\r\nPING\r\n',
};

describe('as redis-server answers', () => {
  const lacking = whyNoCommand('redis-server');
  let redis: RedisServer;
  let ours: RespPair;

  before(async () => {
    if (lacking !== undefined) return;
    redis = await RedisServer.start();
    ours = await RespPair.start({ kafka: { autoCreatePartitions: 0 } });
  });
  after(async () => {
    await ours?.stop();
    await redis?.stop();
  });

  for (const [title, script] of Object.entries(scripts)) {
    for (const protocol of [2, 3] as const) {
      test(`${title} (RESP${protocol})`, async (t) => {
        if (!met(t, lacking)) return;
        const theirs = await converse(await RawClient.connect({ path: redis.path }), script, protocol);
        const got = await converse(await RawClient.connect({ port: ours.server.port }), script, protocol);
        assert.deepEqual(got, theirs);
      });
    }
  }

  for (const [title, bytes] of Object.entries(closing)) {
    test(`${title}, then the end`, async (t) => {
      if (!met(t, lacking)) return;
      const theirs = await lastWords(await RawClient.connect({ path: redis.path }), bytes);
      const got = await lastWords(await RawClient.connect({ port: ours.server.port }), bytes);
      assert.equal(got, theirs);
    });
  }
});

async function lastWords(client: RawClient, bytes: string): Promise<string> {
  client.send(bytes);
  await client.closed();
  return client.received;
}

/** The answers of one server to a script, one string a step. */
async function converse(client: RawClient, script: Script, protocol: 2 | 3): Promise<string[]> {
  const answers: string[] = [];
  if (protocol === 3) await client.exchange(['HELLO', '3']);
  for (const step of script) answers.push(client.isClosed ? 'closed' : await client.exchange(step));
  client.close();
  return answers;
}
