// The same commands to a real redis-server and to a gateway on the in-memory Kafka: the replies must be the same bytes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { met, whyNoCommand } from '../../support/needs.js';
import { RedisServer } from '../../support/redis-server.js';
import { RawClient, RespPair } from '../../support/resp-pair.js';

/**
 * A command. `@1` stands for the first id that the server gave in this script.
 * Ids in replies are replaced by these names, so that both servers' can be compared.
 */
export type Step = readonly string[];

export interface Comparison {
  readonly scripts: Readonly<Record<string, readonly Step[]>>;
  /** Replies that differ by design: ours, in place of Redis' own, by the step in words. */
  readonly differences: Readonly<Record<string, string>>;
  /** Of the gateway. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Our reply as an older redis-server would give it. */
  readonly asOld?: (ours: string, theirs: string) => string;
}

/** A test for each script and protocol. */
export function describeAsRedis(title: string, comparison: Comparison): void {
  const { scripts, differences, settings, asOld = (ours) => ours } = comparison;
  const options = { skip: whyNoCommand('redis-server') && process.env.RAFKA_REQUIRE !== '1' };
  describe(title, options, () => {
    let redis: RedisServer | undefined;
    before(async () => {
      redis = await RedisServer.start();
    });
    after(() => redis?.stop());

    for (const [name, steps] of Object.entries(scripts)) {
      for (const protocol of ['2', '3']) {
        test(`${name} (RESP${protocol})`, async (t) => {
          if (!met(t, whyNoCommand('redis-server'))) return;
          const theirs = await run(await RawClient.connect({ path: redis!.path }), steps, protocol, true);
          const pair = await RespPair.start({ settings });
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
}

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
