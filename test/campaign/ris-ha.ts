// The reliability campaign of the RIS worker: replicas on real Redis and real Kafka while things are killed, paused, restarted and cut.
//
// By hand: node build/test/campaign/ris-ha.js [--messages 200000] [--rate 1000] [--peers 40] [--replicas 3] [--seed 1]
//   [--kills 10] [--terms 5] [--pauses 3] [--redis 2] [--kafka 2] [--cuts 10] [--denied 3] [--large 4] [--future 4] [--foreign 3]
//   [--redundancy 1] [--disorder 100]
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Generated, Generator } from '../support/ris-live.js';
import { type Replica, Stage } from './ris-stage.js';
import { Trouble } from './ris-trouble.js';
import { judge, readTopics, type Verdict } from './ris-verdict.js';

export interface Plan {
  readonly messages: number;
  readonly rate: number;
  readonly peers: number;
  readonly replicas: number;
  readonly seed: number;
  /** How often each thing happens. */
  readonly kills: number;
  readonly terms: number;
  readonly pauses: number;
  readonly redis: number;
  readonly kafka: number;
  readonly cuts: number;
  readonly denied: number;
  readonly large: number;
  readonly future: number;
  readonly foreign: number;
  readonly redundancy: number;
  readonly disorder: number;
}

export const fullPlan: Plan = {
  messages: 200_000,
  rate: 1_000,
  peers: 40,
  replicas: 3,
  seed: 1,
  kills: 10,
  terms: 5,
  pauses: 3,
  redis: 2,
  kafka: 2,
  cuts: 10,
  denied: 3,
  large: 4,
  future: 4,
  foreign: 3,
  redundancy: 1,
  disorder: 100,
};

export interface Outcome {
  readonly verdict: Verdict;
  /** Records that must have the time of producing. */
  readonly clamped: number;
  /** Per kind of event, ms until a leader published again and every other replica could take over. */
  readonly settledMs: Readonly<Record<string, readonly number[]>>;
  /** How long another peer's topic got nothing at a time, ms. */
  readonly stoodMs: Readonly<Record<string, readonly number[]>>;
  /** Per kind of event, ms until something that was sent after it was committed. */
  readonly publishedMs: Readonly<Record<string, readonly number[]>>;
}

const host = 'rrc13';
const leaseTtlMs = 3_000;
const reorderMs = 500;
const settleMs = 90_000;

/** Plays a plan from beginning to end. @throws Error when the replicas do not settle after an event. */
export async function play(plan: Plan, say: (text: string) => void): Promise<Outcome> {
  const { replicas, redundancy } = plan;
  const config = {
    leaseTtlMs,
    reorderMs,
    redundancy,
    backoffMinMs: 200,
    staleMs: 10_000,
    transactionTimeoutMs: 30_000,
  };
  const stage = await Stage.open({ host, replicas, config, prepare: (kafka) => Trouble.prepare(kafka, host) });
  let failed = true;
  try {
    const sent: Generated[] = [];
    const trouble = new Trouble(stage, host, sent);
    const stop = new AbortController();
    const generator = new Generator({ host, peers: plan.peers, rate: plan.rate, disorderMs: plan.disorder });
    await subscribed(stage, replicas * redundancy);
    // The replicas may begin at different messages; what counts is sent once all of them receive.
    const sending = generator.run(stage.live, Number.POSITIVE_INFINITY, (message) => sent.push(message), stop.signal);
    await stage.settled(settleMs);
    const times = await runEvents(plan, { stage, trouble }, sent, say);
    while (sent.length < plan.messages) await pause(100);
    stop.abort();
    await sending;
    await drained(stage);
    const messages = await readTopics(stage.factory, `${host}.`);
    const verdict = judge(sent, messages, reorderMs, trouble.exceptions);
    failed = faultsOf({ verdict, clamped: trouble.clamped }) > 0;
    return { verdict, clamped: trouble.clamped, stoodMs: trouble.stoodMs, ...times };
  } finally {
    if (failed || process.env.RAFKA_KEEP_LOGS === '1') say(`the replicas' logs are in ${stage.logDir}`);
    await stage.close(failed || process.env.RAFKA_KEEP_LOGS === '1');
  }
}

/** What must not be: 0 for a worker without fault. */
export function faultsOf({ verdict, clamped }: Pick<Outcome, 'verdict' | 'clamped'>): number {
  const { lost, duplicated, misordered, unmarked } = verdict;
  return lost + duplicated + misordered + unmarked + Math.abs(verdict.clamped - clamped);
}

async function runEvents(plan: Plan, scene: Playing, sent: readonly unknown[], say: (text: string) => void) {
  const { stage } = scene;
  const kinds = Object.keys(happenings) as Kind[];
  const none = (): Record<string, number[]> => Object.fromEntries(kinds.map((kind) => [kind, []]));
  const settledMs = none();
  const publishedMs = none();
  const events = schedule(plan);
  for (const [index, kind] of events.entries()) {
    // Spread over the messages, as far as the time to settle allows.
    while (sent.length < (plan.messages * index) / events.length) await pause(20);
    const from = Date.now();
    await happen(kind, scene, publishedMs[kind]!.length);
    const published = await publishedAfter(stage, from);
    await stage.settled(settleMs);
    const settled = Date.now() - from;
    publishedMs[kind]!.push(published);
    settledMs[kind]!.push(settled);
    say(`${index + 1}/${events.length} ${kind}: published again after ${published} ms, settled after ${settled} ms`);
  }
  return { settledMs, publishedMs };
}

interface Playing {
  readonly stage: Stage;
  readonly trouble: Trouble;
}

/** What can happen, to the leader or to what it stands on. `index` varies it. */
const happenings = {
  kills: ({ stage }: Playing, leader: Replica) => stage.replace(leader, 'SIGKILL'),
  terms: ({ stage }: Playing, leader: Replica) => stage.replace(leader, 'SIGTERM'),
  denied: ({ trouble }: Playing, leader: Replica, index: number) => trouble.denied(leader, index),
  large: ({ trouble }: Playing, leader: Replica, index: number) => trouble.large(leader, index),
  future: ({ trouble }: Playing, leader: Replica, index: number) => trouble.future(leader, index),
  foreign: ({ trouble }: Playing, leader: Replica) => trouble.foreign(leader),
  pauses: async (_scene: Playing, { process }: Replica) => {
    process.kill('SIGSTOP');
    await pause(leaseTtlMs * 2);
    process.kill('SIGCONT');
  },
  redis: async ({ stage }: Playing, _leader: Replica, index: number) => {
    await stage.redis.stop();
    // Either it is back before the lease ends, or long after.
    await pause(index % 2 === 0 ? leaseTtlMs / 3 : leaseTtlMs * 2);
    await stage.redis.run();
  },
  kafka: async ({ stage }: Playing, _leader: Replica, index: number) => {
    if (index % 2 === 0) await stage.kafka.halt();
    else await stage.kafka.kill9();
    await stage.kafka.restart();
  },
  cuts: async ({ stage }: Playing, leader: Replica, index: number) => {
    // Every other time it is the leader's socket.
    const others = [...stage.replicas.values()].filter(({ name }) => name !== leader.name);
    stage.live.cut(index % 2 === 0 ? leader.name : others[index % others.length]!.name);
  },
} as const;

type Kind = keyof typeof happenings;

async function happen(kind: Kind, scene: Playing, index: number): Promise<void> {
  const leader = scene.stage.byPid((await scene.stage.standing()).leader);
  if (!leader) throw new Error('no leader to play with');
  await happenings[kind](scene, leader, index);
}

/** The plan's events in an order that its seed decides. */
function schedule(plan: Plan): Kind[] {
  const kinds = Object.keys(happenings) as Kind[];
  const all = kinds.flatMap((kind) => Array<Kind>(plan[kind]).fill(kind));
  let state = plan.seed;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

async function subscribed(stage: Stage, count: number): Promise<void> {
  const deadline = Date.now() + settleMs;
  while (stage.live.subscribers.length < count) {
    if (Date.now() > deadline) throw new Error('the replicas do not subscribe');
    await pause(50);
  }
}

/** ms until something sent after `from` is committed. */
async function publishedAfter(stage: Stage, from: number): Promise<number> {
  while ((await stage.standing()).progressMs <= from) {
    if (Date.now() - from > settleMs) throw new Error(`nothing published for ${settleMs} ms; logs in ${stage.logDir}`);
    await pause(20);
  }
  return Date.now() - from;
}

/** Waits until the last message sent is committed, then ends the replicas in order. */
async function drained(stage: Stage): Promise<void> {
  await pause(3_000);
  for (const { process } of stage.replicas.values()) {
    process.kill('SIGTERM');
    while (process.exitCode === null && process.signalCode === null) await pause(50);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function byHand(): Promise<void> {
  process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1));
  const options = Object.fromEntries(Object.keys(fullPlan).map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options });
  const given = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
  const plan: Plan = { ...fullPlan, ...given };
  const outcome = await play(plan, (text) => console.log(`${new Date().toISOString()} ${text}`));
  console.log(JSON.stringify({ plan, ...outcome }, null, 2));
  process.exitCode = faultsOf(outcome) === 0 ? 0 : 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await byHand();
