// Stream commands, reply by reply as a real redis-server answers them. What differs by design is listed here and in docs/STREAMS.md.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { met, whyNoCommand } from '../../support/needs.js';
import { RedisServer } from '../../support/redis-server.js';
import { RawClient, RespPair } from '../../support/resp-pair.js';

type Step = readonly string[];

/**
 * `@1` stands for the first id that the server gave in this script, `@1.ms` for its part before the dash.
 * Ids in replies are replaced by these names, so that both servers' can be compared.
 */
const scripts: Readonly<Record<string, readonly Step[]>> = {
  'XADD, XLEN, XRANGE, XREVRANGE': [
    ['XLEN', 's'],
    ['XRANGE', 's', '-', '+'],
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'a', '1', 'b', '2', 'a', '3'],
    ['XADD', 's', 'MAXLEN', '~', '1000', '*', 'key', 'k', 'data', 'three'],
    ['XADD', 's', 'NOMKSTREAM', '*', 'only', 'four'],
    ['XLEN', 's'],
    ['XRANGE', 's', '-', '+'],
    ['XRANGE', 's', '@2', '@3'],
    ['XRANGE', 's', '(@2', '+'],
    ['XRANGE', 's', '(@2', '(@4'],
    ['XRANGE', 's', '-', '+', 'COUNT', '2'],
    ['XRANGE', 's', '-', '+', 'COUNT', '0'],
    ['XRANGE', 's', '-', '+', 'COUNT', '-1'],
    ['XRANGE', 's', '+', '-'],
    ['XRANGE', 's', '@4', '@1'],
    ['XREVRANGE', 's', '+', '-'],
    ['XREVRANGE', 's', '+', '-', 'COUNT', '1'],
    ['XREVRANGE', 's', '(@3', '-'],
    ['XREVRANGE', 's', '@3', '(@1'],
    ['XRANGE', 's', '0', '1'],
  ],
  'XADD: what is refused': [
    ['XADD', 's', '*'],
    ['XADD', 's', '*', 'a'],
    ['XADD', 's', '*', 'a', '1', 'b'],
    ['XADD', 's', 'NOMKSTREAM', '*', 'a', '1'],
    ['XADD', 's', 'MAXLEN', 'x', '*', 'a', '1'],
    ['XADD', 's', 'MAXLEN', '-1', '*', 'a', '1'],
    ['XADD', 's', 'MAXLEN', '10', 'LIMIT', '5', '*', 'a', '1'],
    ['XADD', 's', 'nonsense', 'a', '1'],
    ['XLEN', 's', 'x'],
    ['XRANGE', 's', '-'],
    ['XRANGE', 's', '-', '+', 'COUNT'],
    ['XRANGE', 's', '-', '+', 'COUNT', 'x'],
    ['XRANGE', 's', 'x', '+'],
    ['XRANGE', 's', '-', '(0-0'],
    ['XRANGE', 's', '(18446744073709551615-18446744073709551615', '+'],
    ['XREVRANGE', 's', 'x', '-'],
  ],
  XGROUP: [
    ['XGROUP', 'CREATE', 's', 'g', '$'],
    ['XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM'],
    ['XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM'],
    ['XGROUP', 'CREATE', 's', 'g2', 'x'],
    ['XGROUP', 'CREATE', 's', 'g2', '0', 'FOO'],
    ['XGROUP', 'CREATE', 's', 'g3', '0', 'ENTRIESREAD', '-2'],
    ['XGROUP', 'SETID', 's', 'g', '0'],
    ['XGROUP', 'SETID', 's', 'none', '0'],
    ['XGROUP', 'SETID', 'none', 'g', '0'],
    ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'],
    ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'],
    ['XGROUP', 'CREATECONSUMER', 's', 'none', 'c'],
    ['XGROUP', 'DELCONSUMER', 's', 'g', 'c'],
    ['XGROUP', 'DELCONSUMER', 's', 'g', 'c'],
    ['XGROUP', 'DELCONSUMER', 's', 'none', 'c'],
    ['XGROUP', 'DESTROY', 's', 'g'],
    ['XGROUP', 'DESTROY', 's', 'g'],
    ['XGROUP', 'DESTROY', 'none', 'g'],
    ['XGROUP', 'CREATE', 's'],
    ['XGROUP'],
    ['XLEN', 's'],
  ],
  'XREADGROUP, XACK, XPENDING': [
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'value', 'two'],
    ['XADD', 's', '*', 'value', 'three'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XPENDING', 's', 'g'],
    ['XPENDING', 's', 'g', '-', '+', '10'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '2', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'COUNT', '2', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'BLOCK', '1', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', '@1'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '1', 'STREAMS', 's', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'new', 'STREAMS', 's', '0'],
    ['XPENDING', 's', 'g'],
    ['XPENDING', 's', 'g', '-', '+', '0'],
    ['XPENDING', 's', 'g', 'IDLE', '100000', '-', '+', '10'],
    ['XPENDING', 's', 'g', '-', '+'],
    ['XPENDING', 's', 'g', '-', '+', 'x'],
    ['XACK', 's', 'g', '@1'],
    ['XACK', 's', 'g', '@1', '@2', '999999-1'],
    ['XACK', 's', 'none', '@3'],
    ['XACK', 'none', 'g', '@3'],
    ['XACK', 's', 'g', 'x'],
    ['XACK', 's', 'g'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', '0'],
    ['XPENDING', 's', 'g'],
  ],
  'XREADGROUP: what is refused': [
    ['XADD', 's', '*', 'value', 'one'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XREADGROUP', 'GROUP', 'none', 'a', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 'none', '>'],
    ['XREADGROUP', 'GROUP', 'none', 'a', 'BLOCK', '10', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', '$'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', 'x'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS', 's', 't', '>'],
    ['XREADGROUP', 'COUNT', '1', 'NOACK', 'STREAMS', 's', 't', '>', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', 'x', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', 'x', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', '-1', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'FOO', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'STREAMS'],
    ['XPENDING', 's', 'none'],
    ['XPENDING', 'none', 'g'],
    ['XCLAIM', 's', 'none', 'a', '0', '1-1'],
    ['XAUTOCLAIM', 's', 'none', 'a', '0', '0'],
    ['XINFO', 'CONSUMERS', 's', 'none'],
    ['XINFO', 'CONSUMERS', 'none', 'g'],
    ['XINFO', 'STREAM', 'none'],
    ['XINFO', 'GROUPS', 'none'],
    ['XREAD', 'GROUP', 'g', 'a', 'STREAMS', 's', '>'],
    ['XREAD', 'NOACK', 'STREAMS', 's', '0'],
    ['XREAD', 'STREAMS', 's', '>'],
    ['XREAD', 'STREAMS', 's', 't', '0'],
    ['XREAD', 'COUNT', 'x', 'STREAMS', 's', '0'],
  ],
  'XREADGROUP NOACK': [
    ['XADD', 's', '*', 'value', 'one'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'BLOCK', '9000', 'NOACK', 'STREAMS', 's', '>'],
    ['XPENDING', 's', 'g'],
    ['XACK', 's', 'g', '@1'],
  ],
  XCLAIM: [
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'value', 'two'],
    ['XADD', 's', '*', 'value', 'three'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '2', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XCLAIM', 's', 'g', 'b', '0', '@1'],
    ['XCLAIM', 's', 'g', 'b', '0', '@2', 'JUSTID'],
    ['XCLAIM', 's', 'g', 'b', '100000', '@1'],
    ['XCLAIM', 's', 'g', 'a', '0', '@3'],
    ['XCLAIM', 's', 'g', 'c', '0', '@1', '@2', 'IDLE', '5000', 'RETRYCOUNT', '7'],
    ['XPENDING', 's', 'g', 'IDLE', '4000', '-', '+', '10', 'a'],
    ['XCLAIM', 's', 'g', 'c', '0', '@3', 'FORCE'],
    ['XCLAIM', 's', 'g', 'c', 'x', '@1'],
    ['XCLAIM', 's', 'g', 'c', '0', 'x'],
    ['XCLAIM', 's', 'g', 'c', '0', '@1', 'FOO'],
    ['XCLAIM', 's', 'g', 'c', '0', '@1', 'IDLE', 'x'],
    ['XCLAIM', 's', 'g', 'c', '0'],
    ['XPENDING', 's', 'g'],
  ],
  XAUTOCLAIM: [
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'value', 'two'],
    ['XADD', 's', '*', 'value', 'three'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '3', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XAUTOCLAIM', 's', 'g', 'b', '100000', '0'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '0', 'COUNT', '1'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '@2', 'COUNT', '1', 'JUSTID'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '(@2'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '0', 'COUNT', '0'],
    ['XAUTOCLAIM', 's', 'g', 'b', 'x', '0'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', 'x'],
    ['XAUTOCLAIM', 's', 'g', 'b', '0', '0', 'FOO'],
    ['XPENDING', 's', 'g'],
  ],
  XREAD: [
    ['XREAD', 'STREAMS', 's', '0'],
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'value', 'two'],
    // Another millisecond: two streams may give the same id.
    ['XREAD', 'BLOCK', '5', 'STREAMS', 's', '$'],
    ['XADD', 't', '*', 'value', 'three'],
    ['XREAD', 'STREAMS', 's', '0'],
    ['XREAD', 'COUNT', '1', 'STREAMS', 's', '0'],
    ['XREAD', 'STREAMS', 's', '@1'],
    ['XREAD', 'STREAMS', 's', '@2'],
    ['XREAD', 'STREAMS', 's', '$'],
    ['XREAD', 'STREAMS', 's', 't', '0', '0'],
    ['XREAD', 'COUNT', '0', 'STREAMS', 's', '0'],
    ['XREAD', 'BLOCK', '1', 'STREAMS', 's', '$'],
    ['XREAD', 'BLOCK', '100', 'STREAMS', 's', '@1'],
  ],
  XINFO: [
    ['XADD', 's', '*', 'value', 'one'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XINFO', 'GROUPS', 's'],
    ['XINFO', 'CONSUMERS', 's', 'g'],
    ['XINFO'],
    ['XINFO', 'STREAM', 's', 'FOO'],
    ['XINFO', 'STREAM'],
  ],
  'XINFO STREAM, and FULL': [
    ['XADD', 's', '*', 'value', 'one'],
    ['XADD', 's', '*', 'value', 'two'],
    ['XADD', 's', '*', 'value', 'three'],
    ['XINFO', 'STREAM', 's'],
    ['XINFO', 'STREAM', 's', 'FULL'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '1'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '0'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '-1'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', 'x'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT'],
    ['XINFO', 'STREAM', 's', 'FULL', 'FOO'],
    ['XGROUP', 'CREATE', 's', 'g', '0'],
    ['XREADGROUP', 'GROUP', 'g', 'a', 'COUNT', '2', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'b', 'COUNT', '1', 'BLOCK', '9000', 'STREAMS', 's', '>'],
    ['XACK', 's', 'g', '@1'],
    ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'],
    ['XINFO', 'STREAM', 's'],
    ['XINFO', 'STREAM', 's', 'FULL'],
    ['XINFO', 'STREAM', 's', 'FULL', 'COUNT', '1'],
    ['XINFO', 'GROUPS', 's'],
    ['XINFO', 'CONSUMERS', 's', 'g'],
  ],
  'TYPE, EXISTS, XTRIM, XDEL of what is not there': [
    ['TYPE', 's'],
    ['EXISTS', 's'],
    ['XADD', 's', '*', 'value', 'one'],
    ['TYPE', 's'],
    ['EXISTS', 's', 's', 'none'],
    ['OBJECT', 'ENCODING', 's'],
    ['OBJECT', 'ENCODING', 'none'],
    ['XDEL', 's', '999999-1'],
    ['XDEL', 's', 'x'],
    ['XDEL', 's'],
    ['XTRIM', 's', 'FOO', '1'],
    ['XTRIM', 's', 'MAXLEN', 'x'],
    ['XTRIM', 's', 'MINID', '1'],
    ['XTRIM', 'none', 'MAXLEN', '5'],
  ],
};

/** Replies that differ by design: ours, in place of Redis' own. Each stands in docs/STREAMS.md. */
const differences: Readonly<Record<string, string>> = {
  'XADD s nonsense a 1': '-ERR Invalid stream ID specified as stream command argument\r\n',
};

let redis: RedisServer | undefined;

describe('streams as a redis-server has them', {
  skip: whyNoCommand('redis-server') && process.env.RAFKA_REQUIRE !== '1',
}, () => {
  before(async () => {
    redis = await RedisServer.start();
  });
  after(() => redis?.stop());

  for (const [title, steps] of Object.entries(scripts)) {
    for (const protocol of ['2', '3']) {
      test(`${title} (RESP${protocol})`, async (t) => {
        if (!met(t, whyNoCommand('redis-server'))) return;
        const theirs = await run(await RawClient.connect({ path: redis!.path }), steps, protocol, true);
        const pair = await RespPair.start({ settings: { streams: { partitions: 1, commitIntervalMs: 10 } } });
        try {
          const ours = await run(await pair.client(), steps, protocol, false);
          const wanted = steps.map((step, index) => differences[step.join(' ')] ?? theirs[index]!);
          const named = (replies: readonly unknown[]) =>
            steps.map((step, index) => `${step.join(' ')} -> ${replies[index]}`);
          assert.deepEqual(named(ours.map((reply, index) => asOld(reply, wanted[index]!))), named(wanted));
        } finally {
          await pair.stop();
        }
      });
    }
  }
});

/** The replies, ids and times replaced. */
async function run(client: RawClient, steps: readonly Step[], protocol: string, clean: boolean): Promise<string[]> {
  const ids: string[] = [];
  const replies: string[] = [];
  if (clean) await client.exchange(['FLUSHALL']);
  await client.exchange(['HELLO', protocol]);
  for (const step of steps) {
    const reply = await client.exchange(step.map((arg) => withIds(arg, ids)));
    if (step[0] === 'XADD') ids.push(...(/\d{13}-\d+/.exec(reply) ?? []));
    replies.push(normal(reply, ids, step[1] === 'CONSUMERS'));
  }
  client.close();
  return replies;
}

function withIds(arg: string, ids: readonly string[]): string {
  return arg.replace(/@(\d+)/, (_, number) => ids[Number(number) - 1] ?? '0-0');
}

/** Ids by their names, whatever their length. */
function normal(reply: string, ids: readonly string[], times: boolean): string {
  const named = reply.replace(/\$\d+\r\n(\d{13}-\d+)\r\n/g, (_, id) => `@${ids.indexOf(id) + 1}\r\n`);
  return times ? named.replace(/:\d+\r\n/g, ':n\r\n') : named.replace(/:\d{13}\r\n/g, ':time\r\n');
}

/** Ours without what Redis 7.2 has added about consumers, if the server compared with is an older one. */
function asOld(ours: string, theirs: string): string {
  if (/\r\n(?:active-time|inactive)\r\n/.test(theirs)) return ours;
  const consumer =
    /([*%])(\d+)\r\n(\$4\r\nname\r\n(?:(?!\$4\r\nname\r\n)[\s\S])*?)\$\d+\r\n(?:active-time|inactive)\r\n:-?\w+\r\n/g;
  return ours.replace(consumer, (_, kind, size, rest) => `${kind}${size - (kind === '*' ? 2 : 1)}\r\n${rest}`);
}
