// The same commands to a real redis-server and to a gateway on the in-memory Kafka: the replies must be the same bytes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../support/eventually.js';
import { met, whyNoCommand } from '../../support/needs.js';
import { RedisServer } from '../../support/redis-server.js';
import { RawClient, RespPair } from '../../support/resp-pair.js';

/**
 * A command; or `inline`, several in one write; or `while`, one that waits, and one that another connection sends when it does. `@1` stands for the first id that the server gave in this script.
 * Ids in replies are replaced by these names, so that both servers' can be compared.
 */
export type Step = readonly string[] | readonly ['while', readonly string[], readonly string[]];

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
          const theirs = await run(() => RawClient.connect({ path: redis!.path }), steps, protocol, true);
          const pair = await RespPair.start({ settings });
          try {
            const ours = await run(() => pair.client(), steps, protocol, false);
            const wanted = steps.map((step, index) => differences[inWords(step)] ?? theirs[index]!);
            const named = (replies: readonly unknown[]) =>
              steps.map((step, index) => `${inWords(step)} -> ${replies[index]}`);
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
async function run(
  open: () => Promise<RawClient>,
  steps: readonly Step[],
  protocol: string,
  clean: boolean,
): Promise<string[]> {
  const [client, other] = [await open(), await open()];
  const ids: string[] = [];
  const replies: string[] = [];
  if (clean) await client.exchange(['FLUSHALL']);
  await client.exchange(['HELLO', protocol]);
  for (const step of steps) {
    const send = (from: RawClient, argv: readonly string[]) =>
      from.exchange(sentAs(argv.map((arg) => withIds(arg, ids))));
    const reply = isWhile(step) ? await sendWhile(client, other, step, send) : await send(client, step);
    if (inWords(step).includes('XADD')) ids.push(...(/\d{13}-\d+/.exec(reply) ?? []));
    replies.push(normal(reply, ids, step[1] === 'CONSUMERS'));
  }
  client.close();
  other.close();
  return replies;
}

/** In one write: behind MULTI an exchange would not end. */
function sentAs(argv: readonly string[]): string | readonly string[] {
  return argv[0] === 'inline'
    ? argv
        .slice(1)
        .map((line) => `${line}\r\n`)
        .join('')
    : argv;
}

type While = Extract<Step, readonly ['while', ...unknown[]]>;
const isWhile = (step: Step): step is While => step[0] === 'while' && typeof step[1] !== 'string';
const inWords = (step: Step): string => step.flat().join(' ');

/** The reply to the one who waited, and then the other's. */
async function sendWhile(
  client: RawClient,
  other: RawClient,
  [, waiting, meanwhile]: While,
  send: (from: RawClient, argv: readonly string[]) => Promise<string>,
): Promise<string> {
  const answer = send(client, waiting);
  await eventually(9_000, async () => (await other.exchange(['INFO', 'clients'])).includes('blocked_clients:1\r\n'));
  const others = await send(other, meanwhile);
  return (await answer) + others;
}

function withIds(arg: string, ids: readonly string[]): string {
  return arg.replace(/@(\d+)/, (_, number) => ids[Number(number) - 1] ?? '0-0');
}

/** Ids by their names, whatever their length. */
function normal(reply: string, ids: readonly string[], times: boolean): string {
  const named = reply.replace(/\$\d+\r\n(\d{13}-\d+)\r\n/g, (_, id) => `@${ids.indexOf(id) + 1}\r\n`);
  return times ? named.replace(/:\d+\r\n/g, ':n\r\n') : named.replace(/:\d{13}\r\n/g, ':time\r\n');
}
