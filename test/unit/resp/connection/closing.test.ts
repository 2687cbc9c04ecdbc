// A connection that closes at any moment of any command leaves nothing open: no client of Kafka, no tail, no timer, no name.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandTable } from '../../../../src/resp/command/command.js';
import * as allCommands from '../../../../src/resp/commands/index.js';
import { type ClosingCase, closeAt, quick } from '../../../support/closing-connection.js';

/** Moments tried at most; of what waits, which polls and goes on making them. */
const mostMoments = 20;
const mostWaiting = 6;
const few = 2;

const consumeKey = 'topics:t:{"auto.offset.reset":"earliest"}';
const pairKey = 'topics:t:{"auto.offset.reset":"earliest","rafka.reply":"pair"}';
const group = ['XGROUP', 'CREATE', 't', 'g', '0', 'MKSTREAM'];
const pending = [group, ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '3000', 'STREAMS', 't', '>']];
/** Its group goes on reading, and makes moments of its own. */
const ofPending = { records: 3, leavesEntries: true, waits: true } as const;
const idIn = (reply: string): string => /\r\n(\d+-\d+)\r\n/.exec(reply)![1]!;

const cases: Record<string, ClosingCase> = {
  'SUBSCRIBE of two channels': { before: [['HELLO', '3']], command: ['SUBSCRIBE', 't', 'u'] },
  'PSUBSCRIBE of two patterns': { before: [['HELLO', '3']], command: ['PSUBSCRIBE', 't*', 'u*'], records: 1 },
  'RPUSHX of two messages': { command: ['RPUSHX', 'topics:t', 'a', 'b'] },
  'RPUSHX that is answered when delivered': {
    command: ['RPUSHX', 'topics:t', 'a', 'b'],
    settings: { rpushx: 'delivered' },
  },
  'PUBLISH to a new topic': { command: ['PUBLISH', 'new', 'a'] },
  'RPUSHX and DUMP': { before: [['RPUSHX', 'topics:t', 'a']], command: ['DUMP', '1000'] },
  BLPOP: { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', consumeKey, '1'], records: 1 },
  'BLPOP that waits': { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', consumeKey, '1'], waits: true },
  'BLPOP of pairs': { before: [['CLIENT', 'SETNAME', 'g:a']], command: ['BLPOP', pairKey, '1'], records: 1 },
  'acks of what was not read': {
    before: [
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
    ],
    command: ['RPUSH', 'acks', 't:1:0', 't:2:0', 't:99:0'],
    records: 1,
  },
  'acks of another connection of the name': {
    before: [['CLIENT', 'SETNAME', 'g:a']],
    command: ['RPUSH', 'acks', 't:0:0', 't:1:0'],
  },
  'CLIENT SETNAME of a strict name': { command: ['CLIENT', 'SETNAME', 'g:a'], settings: { strictNames: true } },
  MONITOR: { command: ['MONITOR'] },
  RESET: {
    before: [
      ['HELLO', '3'],
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
      ['SUBSCRIBE', 't'],
    ],
    command: ['RESET'],
    records: 1,
  },
  'XADD to a new stream': { command: ['XADD', 'new', '*', 'f', 'v'] },
  'XGROUP CREATE': { command: ['XGROUP', 'CREATE', 'new', 'g', '$', 'MKSTREAM'] },
  'XREAD that waits': { command: ['XREAD', 'BLOCK', '100', 'STREAMS', 't', 'u', '$', '$'], records: 1, waits: true },
  XREAD: { command: ['XREAD', 'COUNT', '2', 'STREAMS', 't', '0'], records: 3 },
  XRANGE: { command: ['XRANGE', 't', '-', '+'], records: 3 },
  'XREADGROUP that waits': {
    before: [group],
    command: ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '100', 'STREAMS', 't', '>'],
    records: 0,
    waits: true,
  },
  XREADGROUP: {
    before: [group],
    command: ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '3000', 'STREAMS', 't', '>'],
    records: 3,
    leavesEntries: true,
  },
  XAUTOCLAIM: {
    before: [group, ['XREADGROUP', 'GROUP', 'g', 'm', 'BLOCK', '3000', 'STREAMS', 't', '>']],
    command: ['XAUTOCLAIM', 't', 'g', 'n', '0', '0'],
    records: 3,
    settings: { streams: { ...quick, pendingBytes: 0 } },
    leavesEntries: true,
  },
  'RPUSH to a plain list': { command: ['RPUSH', 'new', 'a', 'b'] },
  'BLPOP of plain lists': { command: ['BLPOP', 't', 'u', '1'], records: 1, leavesEntries: true, waits: true },
  'BLPOP of plain lists that waits': { command: ['BLPOP', 't', 'u', '0.1'], waits: true },
  'BRPOP of plain lists': { command: ['BRPOP', 't', '1'], records: 1, leavesEntries: true, most: few },
  LPOP: { command: ['LPOP', 't', '2'], records: 3, leavesEntries: true, waits: true },
  RPOP: { command: ['RPOP', 't'], records: 1, leavesEntries: true, most: few },
  LMPOP: { command: ['LMPOP', '2', 't', 'u', 'LEFT'], records: 1, leavesEntries: true, most: few },
  BLMPOP: { command: ['BLMPOP', '1', '1', 't', 'LEFT'], records: 1, leavesEntries: true, most: few },
  LMOVE: { command: ['LMOVE', 't', 't:processing', 'LEFT', 'RIGHT'], records: 1, leavesEntries: true, waits: true },
  BLMOVE: {
    command: ['BLMOVE', 't', 't:processing', 'LEFT', 'RIGHT', '1'],
    records: 1,
    leavesEntries: true,
    most: few,
  },
  RPOPLPUSH: { command: ['RPOPLPUSH', 't', 't:processing'], records: 1, leavesEntries: true, most: few },
  BRPOPLPUSH: { command: ['BRPOPLPUSH', 't', 't:processing', '1'], records: 1, leavesEntries: true, most: few },
  LPUSH: { command: ['LPUSH', 'new', 'a'] },
  LLEN: { command: ['LLEN', 't'], records: 1 },
  LRANGE: { command: ['LRANGE', 't', '0', '-1'], records: 3 },
  LINDEX: { command: ['LINDEX', 't', '0'], records: 3 },
  DEL: { command: ['DEL', 't'], records: 1, settings: { streams: { ...quick, allowDelete: true } } },
  EXISTS: { command: ['EXISTS', 't', 'u'], records: 1 },
  TYPE: { command: ['TYPE', 't'], records: 1 },
  KEYS: { command: ['KEYS', '*'], records: 1 },
  SCAN: { command: ['SCAN', '0'], records: 1 },
  DBSIZE: { command: ['DBSIZE'], records: 1 },
  INFO: { command: ['INFO', 'everything'], records: 1 },
  WAIT: { before: [['RPUSHX', 'topics:t', 'a']], command: ['WAIT', '1', '1000'] },
  'EXEC of two records': { command: 'MULTI\r\nRPUSHX topics:t a\r\nRPUSHX topics:u b\r\nEXEC\r\n' },
  'EXEC of a record and an ack': {
    before: [
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
    ],
    command: 'MULTI\r\nRPUSHX topics:u a\r\nRPUSH acks t:0:0\r\nEXEC\r\n',
    records: 1,
  },
  QUIT: {
    before: [
      ['RPUSHX', 'topics:t', 'a'],
      ['CLIENT', 'SETNAME', 'g:a'],
      ['BLPOP', consumeKey, '1'],
    ],
    command: ['QUIT'],
    records: 1,
  },
  'CLIENT LIST': { command: ['CLIENT', 'LIST'] },
  'CLIENT KILL': { command: ['CLIENT', 'KILL', 'ID', '999'] },
  'CLIENT UNBLOCK': { command: ['CLIENT', 'UNBLOCK', '999'] },
  'HGETALL stats': { command: ['HGETALL', 'stats'] },
  'HELLO with a strict name': { command: ['HELLO', '2', 'SETNAME', 'g:a'], settings: { strictNames: true } },
  'CONFIG RESETSTAT': { command: ['CONFIG', 'RESETSTAT'] },
  'MEMORY STATS': { command: ['MEMORY', 'STATS'] },
  'MEMORY USAGE': { command: ['MEMORY', 'USAGE', 't'], records: 1 },
  'OBJECT ENCODING': { command: ['OBJECT', 'ENCODING', 't'], records: 1 },
  'OBJECT FREQ': { command: ['OBJECT', 'FREQ', 't'], records: 1 },
  'OBJECT IDLETIME': { command: ['OBJECT', 'IDLETIME', 't'], records: 1 },
  'OBJECT REFCOUNT': { command: ['OBJECT', 'REFCOUNT', 't'], records: 1 },
  TTL: { command: ['TTL', 't'], records: 1 },
  PTTL: { command: ['PTTL', 't'], records: 1 },
  'PUBSUB NUMPAT': { command: ['PUBSUB', 'NUMPAT'] },
  'PUBSUB NUMSUB': { command: ['PUBSUB', 'NUMSUB', 't'] },
  'PUBSUB CHANNELS': { command: ['PUBSUB', 'CHANNELS'] },
  XREVRANGE: { command: ['XREVRANGE', 't', '+', '-'], records: 3 },
  XLEN: { command: ['XLEN', 't'], records: 1 },
  XTRIM: { command: ['XTRIM', 't', 'MINID', '9999999999999'], records: 3 },
  'XINFO STREAM': { before: [group], command: ['XINFO', 'STREAM', 't', 'FULL'], records: 3 },
  'XINFO GROUPS': { before: [group], command: ['XINFO', 'GROUPS', 't'], records: 3 },
  'XINFO CONSUMERS': { before: [group], command: ['XINFO', 'CONSUMERS', 't', 'g'], records: 3 },
  'XGROUP SETID': { before: [group], command: ['XGROUP', 'SETID', 't', 'g', '$'], records: 3 },
  'XGROUP DESTROY': { before: [group], command: ['XGROUP', 'DESTROY', 't', 'g'], records: 3 },
  'XGROUP CREATECONSUMER': { before: [group], command: ['XGROUP', 'CREATECONSUMER', 't', 'g', 'c'], ...ofPending },
  'XGROUP DELCONSUMER': { before: pending, command: ['XGROUP', 'DELCONSUMER', 't', 'g', 'm'], ...ofPending },
  XACK: {
    before: pending,
    command: (reply) => ['XACK', 't', 'g', idIn(reply)],
    ...ofPending,
    settings: { streams: { ...quick, commit: 'sync' } },
  },
  XCLAIM: {
    before: pending,
    command: (reply) => ['XCLAIM', 't', 'g', 'n', '0', idIn(reply)],
    ...ofPending,
    settings: { streams: { ...quick, pendingBytes: 0 } },
  },
};

/** Commands that ask neither Kafka nor other processes: there is no moment in them. A container stands for its other subcommands. */
const atOnce = new Set(
  (
    'acl asking auth client cluster command config debug discard echo eval eval_ro evalsha evalsha_ro fcall fcall_ro function latency ' +
    'lrem memory module multi object ping pubsub punsubscribe readonly readwrite role script select slowlog time unsubscribe unwatch ' +
    'watch xdel xgroup|help xinfo|help xpending'
  ).split(' '),
);

// They mostly wait.
describe('a connection that closes while a command waits', { concurrency: 4 }, () => {
  for (const [name, wanted] of Object.entries(cases)) {
    test(`${name}: at each moment nothing is left open`, async () => {
      let tried = 0;
      for (let at = 1; at <= (wanted.most ?? (wanted.waits ? mostWaiting : mostMoments)); at++) {
        const reached = await closeAt(at, wanted);
        if (!reached) break;
        tried++;
      }
      assert.ok(tried > 0, 'it never waits');
    });
  }

  test('every command is tried, but for those that ask nobody', () => {
    const tried = new Set(Object.values(cases).map(({ command }) => nameOf(command)));
    const all = [...new CommandTable(Object.values(allCommands)).all()];
    const left = all.filter(({ command, fullName }) => command.run && !tried.has(fullName) && !isAtOnce(fullName));
    assert.deepEqual(
      left.map(({ fullName }) => fullName),
      [],
    );
  });
});

const isAtOnce = (fullName: string): boolean => atOnce.has(fullName) || atOnce.has(fullName.split('|')[0]!);

/** As the table has it: `xgroup|create`. */
function nameOf(command: ClosingCase['command']): string {
  if (typeof command === 'string') return nameOf(command.trim().split('\r\n').at(-1)!.split(' '));
  const [name, second] = (typeof command === 'function' ? command('\r\n1-1\r\n') : command).map((word) =>
    word.toLowerCase(),
  );
  const container = Object.values(allCommands).find((each) => each.name === name);
  return container && 'subcommands' in container ? `${name}|${second}` : name!;
}
