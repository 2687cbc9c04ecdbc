// Pub/sub, push by push as a real redis-server sends it. What differs by design is listed here and in docs/STREAMS.md.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { met, whyNoCommand } from '../../support/needs.js';
import { RedisServer } from '../../support/redis-server.js';
import { RawClient, RespPair } from '../../support/resp-pair.js';

/** Of the subscriber; `pub` and `ask` come from another connection, and `pub` is heard before the next step. One argument with line ends is several commands in one write. */
type Step = readonly ['sub' | 'pub' | 'ask', ...argv: string[]];

const scripts: Readonly<Record<string, readonly Step[]>> = {
  'a channel': [
    ['sub', 'SUBSCRIBE', 'news'],
    ['pub', 'PUBLISH', 'news', 'hello'],
    ['pub', 'PUBLISH', 'news', 'a\r\n\0b'],
    ['sub', 'SUBSCRIBE', 'news'],
    ['sub', 'PING'],
    ['sub', 'PING', 'there'],
    ['sub', 'UNSUBSCRIBE', 'none'],
    ['sub', 'UNSUBSCRIBE', 'news'],
    ['sub', 'UNSUBSCRIBE', 'news'],
    ['sub', 'PING'],
  ],
  'several channels': [
    ['sub', 'SUBSCRIBE', 'news', 'sports', 'news'],
    ['pub', 'PUBLISH', 'sports', 'goal'],
    ['pub', 'PUBLISH', 'news', 'hello'],
    ['sub', 'UNSUBSCRIBE', 'news', 'none', 'sports'],
    ['sub', 'UNSUBSCRIBE'],
  ],
  'a pattern': [
    ['sub', 'PSUBSCRIBE', 'n*'],
    ['pub', 'PUBLISH', 'news', 'hello'],
    ['sub', 'PSUBSCRIBE', 'n*'],
    ['sub', 'PSUBSCRIBE', 's[op]orts', 'x?'],
    ['pub', 'PUBLISH', 'sports', 'goal'],
    ['sub', 'PUNSUBSCRIBE', 'none'],
    ['sub', 'PUNSUBSCRIBE', 'n*', 'x?'],
    ['sub', 'PUNSUBSCRIBE'],
    ['sub', 'PUNSUBSCRIBE'],
  ],
  'a channel and a pattern that matches it': [
    ['sub', 'SUBSCRIBE', 'news'],
    ['sub', 'PSUBSCRIBE', 'n*'],
    ['pub', 'PUBLISH', 'news', 'hello'],
    ['sub', 'UNSUBSCRIBE'],
    ['pub', 'PUBLISH', 'news', 'again'],
    ['sub', 'UNSUBSCRIBE'],
    ['sub', 'PUNSUBSCRIBE'],
  ],
  PUBSUB: [
    ['ask', 'PUBSUB', 'CHANNELS'],
    ['ask', 'PUBSUB', 'NUMPAT'],
    ['ask', 'PUBSUB', 'NUMSUB'],
    ['sub', 'SUBSCRIBE', 'news'],
    ['sub', 'PSUBSCRIBE', 'n*', 's*'],
    ['ask', 'PUBSUB', 'CHANNELS'],
    ['ask', 'PUBSUB', 'channels', 'n*'],
    ['ask', 'PUBSUB', 'CHANNELS', 's*'],
    ['ask', 'PUBSUB', 'NUMSUB', 'news', 'sports', 'news'],
    ['ask', 'PUBSUB', 'NUMPAT'],
    ['sub', 'UNSUBSCRIBE'],
    ['sub', 'PUNSUBSCRIBE', 'n*'],
    ['ask', 'PUBSUB', 'CHANNELS'],
    ['ask', 'PUBSUB', 'NUMSUB', 'news'],
    ['ask', 'PUBSUB', 'NUMPAT'],
    ['ask', 'PUBSUB', 'NUMPAT', 'x'],
    ['ask', 'PUBSUB', 'CHANNELS', 'a', 'b'],
    ['ask', 'PUBSUB', 'NOSUCH'],
    ['ask', 'PUBSUB'],
  ],
  'commands of a subscriber': [
    ['sub', 'SUBSCRIBE', 'news'],
    ['sub', 'ECHO', 'x'],
    ['sub', 'XLEN', 'nothing'],
    ['sub', 'NOSUCH'],
    ['sub', 'RESET'],
    ['sub', 'ECHO', 'x'],
    ['sub', 'UNSUBSCRIBE'],
  ],
  'within MULTI': [
    ['sub', 'MULTI\r\nSUBSCRIBE news sports\r\nPING\r\nEXEC\r\n'],
    ['pub', 'PUBLISH', 'news', 'hello'],
    ['sub', 'MULTI\r\nPING\r\nEXEC\r\n'],
    ['sub', 'UNSUBSCRIBE', 'sports', 'news'],
    ['sub', 'MULTI\r\nPSUBSCRIBE n*\r\nPUNSUBSCRIBE\r\nECHO x\r\nEXEC\r\n'],
    ['sub', 'MULTI\r\nSUBSCRIBE news\r\nDISCARD\r\nECHO x\r\n'],
    ['sub', 'MULTI\r\nSUBSCRIBE\r\nEXEC\r\n'],
    ['sub', 'MULTI\r\nSUBSCRIBE news\r\nRESET\r\nECHO x\r\n'],
    ['ask', 'PUBSUB', 'NUMSUB', 'news'],
  ],
  'what is refused': [
    ['sub', 'SUBSCRIBE'],
    ['sub', 'PSUBSCRIBE'],
    ['sub', 'PUBLISH', 'news'],
    ['sub', 'PUBLISH', 'news', 'a', 'b'],
    ['sub', 'UNSUBSCRIBE'],
    ['sub', 'PUNSUBSCRIBE'],
  ],
};

/** PUBLISH answers 1 when the record is queued, whoever listens. */
const differences: Readonly<Record<string, string>> = {
  'a channel and a pattern that matches it: PUBLISH news hello': ':1\r\n',
};

describe('pub/sub as a redis-server has it', {
  skip: whyNoCommand('redis-server') && process.env.RAFKA_REQUIRE !== '1',
}, () => {
  let redis: RedisServer | undefined;
  before(async () => {
    redis = await RedisServer.start();
  });
  after(() => redis?.stop());

  for (const [title, steps] of Object.entries(scripts)) {
    for (const protocol of ['2', '3']) {
      test(`${title} (RESP${protocol})`, async (t) => {
        if (!met(t, whyNoCommand('redis-server'))) return;
        const connectRedis = () => RawClient.connect({ path: redis!.path });
        const theirs = await converse(connectRedis, steps, protocol);
        const pair = await RespPair.start();
        for (const topic of ['news', 'sports']) pair.kafka.createTopic(topic, 1);
        try {
          const ours = await converse(() => pair.client(), steps, protocol);
          const wanted = theirs.map((reply, index) => {
            const mine = differences[`${title}: ${steps[index]!.slice(1).join(' ')}`];
            return mine === undefined ? reply : mine + reply.slice(reply.indexOf('\n') + 1);
          });
          const named = (replies: readonly string[]) =>
            steps.map((step, index) => `${step.join(' ')} -> ${replies[index]}`);
          assert.deepEqual(named(ours), named(wanted));
        } finally {
          await pair.stop();
        }
      });
    }
  }
});

/** For each step what the one who asked was answered, and what the subscriber heard behind it. */
async function converse(open: () => Promise<RawClient>, steps: readonly Step[], protocol: string): Promise<string[]> {
  const [subscriber, publisher] = [await open(), await open()];
  await subscriber.exchange(['HELLO', protocol]);
  const replies: string[] = [];
  for (const [index, [who, ...argv]] of steps.entries()) {
    const from = subscriber.received.length;
    const answer = who === 'sub' ? '' : await publisher.exchange(argv);
    if (who === 'sub') subscriber.send(argv[0]!.includes('\n') ? argv[0]! : argv);
    else if (who === 'pub') await subscriber.until(() => subscriber.received.slice(from).includes(argv.at(-1)!));
    // ECHO is refused while RESP2 is subscribed; PING is answered in two forms.
    const mark = `$6\r\nend${String(index).padStart(3, '0')}\r\n`;
    subscriber.send(['PING', mark.slice(4, 10)]);
    await subscriber.until(() => subscriber.received.slice(from).endsWith(mark));
    const heard = subscriber.received.slice(from, -mark.length).replace(/\*2\r\n\$4\r\npong\r\n$/, '');
    replies.push(answer + heard);
  }
  subscriber.close();
  publisher.close();
  return replies;
}
