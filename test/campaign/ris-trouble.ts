// What a campaign of RIS replicas has to bear from others: topics that Kafka denies, records that it refuses, messages of the
// future, and open transactions of other programs. It knows which messages may be missing for it.
import { makeTopic, openTransaction } from '../support/relay-clusters.js';
import { type Generated, lineOf } from '../support/ris-live.js';
import { principal, type Replica, type Stage } from './ris-stage.js';
import type { Exceptions } from './ris-verdict.js';

/** Peers of the generator that have a part in this; there are at least five. */
const largePeer = 0;
const aheadPeer = 1;
const deniedPeers = [2, 3, 4] as const;
/** The limit of the large peer's topic, bytes; ordinary records have some hundred. */
const smallLimit = 2_000;
const deniedMs = 5_000;
/** So long another program's transaction stays open, ms. */
const openMs = 8_000;
/** How long a topic may take until it is written again, ms: it is tried again after a minute at the latest. */
const backMs = 90_000;
const year2100 = 4_102_444_800_000;

/** One campaign's. */
export class Trouble {
  readonly #stage: Stage;
  readonly #host: string;
  readonly #sent: Generated[];
  readonly #refused = new Set<string>();
  readonly #ahead = new Set<string>();
  /** Times of messages, ms, in which a peer's topic was denied. */
  readonly #denied: { readonly peer: string; readonly from: number; to: number }[] = [];
  /** Above the generator's. */
  #sequence = 0x8000;
  /** Messages that Kafka cannot take with their own time. */
  clamped = 0;
  /** How long another peer's topic got nothing at a time while a topic was denied, and behind a record that was too large, ms. */
  readonly stoodMs = { denied: [] as number[], large: [] as number[] };

  /** @param sent gets each message that is sent here */
  constructor(stage: Stage, host: string, sent: Generated[]) {
    this.#stage = stage;
    this.#host = host;
    this.#sent = sent;
  }

  /** The large peer's topic must be there before its first record. */
  static prepare(stage: Pick<Stage, 'factory'>['factory'], host: string): Promise<void> {
    return makeTopic(stage, topicOf(host, largePeer), 1, { 'max.message.bytes': String(smallLimit) });
  }

  get exceptions(): Exceptions {
    return {
      ahead: this.#ahead,
      refusal: ({ id, peer }) => {
        if (this.#refused.has(id)) return 'record';
        const time = timeOf(id);
        const isDenied = this.#denied.some((each) => each.peer === peer && time >= each.from && time <= each.to);
        return isDenied ? 'topic' : undefined;
      },
    };
  }

  /** A topic may not be written for a while; every other time the leader is killed meanwhile. */
  async denied(leader: Replica, index: number): Promise<void> {
    const peer = deniedPeers[index % deniedPeers.length]!;
    const topic = topicOf(this.#host, peer);
    const { progressMs } = await this.#stage.standing();
    const window = { peer: addressOf(peer), from: progressMs - 1_000, to: Number.POSITIVE_INFINITY };
    this.#denied.push(window);
    await this.#stage.asAdmin((wire) => wire.deny(principal, 'topic', topic, 'write'));
    this.stoodMs.denied.push(await this.#longestStand());
    if (index % 2 === 1) await this.#stage.replace(leader, 'SIGKILL');
    await pause(deniedMs / 2);
    const before = await this.#end(topic);
    await this.#stage.asAdmin((wire) => wire.undeny(principal, 'topic', topic, 'write'));
    for (const deadline = Date.now() + backMs; (await this.#end(topic)) <= before; await pause(100))
      if (Date.now() > deadline) throw new Error(`${topic} is not written again; logs in ${this.#stage.logDir}`);
    window.to = Date.now();
  }

  /** A record too large for its topic; every other time the leader is killed at that moment. */
  async large(leader: Replica, index: number): Promise<void> {
    // Random, so that compression does not save it.
    const octet = (): number => Math.floor(Math.random() * 256);
    const prefixes = new Set(Array.from({ length: 900 }, () => `10.${octet()}.${octet()}.0/24`));
    const announcement = { next_hop: '192.0.2.1', prefixes: [...prefixes] };
    const data = { type: 'UPDATE', path: [64_512], origin: 'IGP', announcements: [announcement], withdrawals: [] };
    const { id } = this.#send(largePeer, Date.now(), JSON.stringify(data).slice(1, -1));
    this.#refused.add(id);
    if (index % 2 === 1) await this.#stage.replace(leader, 'SIGKILL');
    else this.stoodMs.large.push(await this.#longestStand());
  }

  /** A peer dates messages half an hour ahead, some further than Kafka accepts, and a KEEPALIVE to 2100; then as {@link large}. */
  async future(leader: Replica, index: number): Promise<void> {
    const data = `"type":"UPDATE","path":[64513],"origin":"IGP","announcements":[{"next_hop":"192.0.2.1","prefixes":["198.18.0.0/24"]}],"withdrawals":[]`;
    for (let n = 0; n < 20; n++) {
      const isFar = n % 4 === 3;
      const { id } = this.#send(aheadPeer, Date.now() + (isFar ? 7_200_000 : 1_800_000), data);
      this.#ahead.add(id);
      if (isFar) this.clamped++;
      await pause(20);
    }
    const keepalive = { host: this.#host, index: aheadPeer, ms: year2100, sequence: this.#sequence++ };
    this.#stage.live.send(this.#host, lineOf({ ...keepalive, content: '"type":"KEEPALIVE"' }).line);
    if (index % 2 === 1) await this.#stage.replace(leader, 'SIGKILL');
  }

  /** Another program's transaction is open on the checkpoint topic and on a peer's while the leader is killed. */
  async foreign(leader: Replica): Promise<void> {
    const topics = [`rafka.ris.${this.#host}.checkpoint`, topicOf(this.#host, aheadPeer)];
    const open = await Promise.all(topics.map((topic) => openTransaction(this.#stage.factory, topic, openMs)));
    try {
      await this.#stage.replace(leader, 'SIGKILL');
    } finally {
      // They end by their time-out, as those of a program that was killed.
      for (const producer of open) await producer.close(0);
    }
  }

  #send(index: number, ms: number, content: string): Generated {
    const message = { ...lineOf({ host: this.#host, index, ms, sequence: this.#sequence++, content }), delayMs: 0 };
    this.#sent.push(message);
    this.#stage.live.send(this.#host, message.line);
    return message;
  }

  /** The longest time without a new record in the topic of a peer that nothing happens to, ms. */
  async #longestStand(): Promise<number> {
    const topic = topicOf(this.#host, aheadPeer);
    const until = Date.now() + deniedMs / 2;
    let [longest, since, end] = [0, Date.now(), await this.#end(topic)];
    // A stand that has begun is seen to its end.
    while (Date.now() < until || Date.now() - since > 1_000) {
      await pause(10);
      const now = await this.#end(topic);
      longest = Math.max(longest, Date.now() - since);
      if (now > end) [since, end] = [Date.now(), now];
      if (Date.now() > until + backMs) throw new Error(`${topic} gets nothing; logs in ${this.#stage.logDir}`);
    }
    return longest;
  }

  async #end(topic: string): Promise<number> {
    const [found] = await this.#stage.factory.admin.topics([topic]);
    const partitions = (found?.partitions ?? []).map(({ partition }) => ({ topic, partition }));
    const edges = await this.#stage.factory.admin.edges(partitions, 'high');
    return edges.reduce((sum, { offset }) => sum + offset, 0);
  }
}

const topicOf = (host: string, index: number): string => `${host}.${64_512 + index}.bmp_raw`;
const addressOf = (index: number): string => `192.0.2.${index}`;
const timeOf = (id: string): number => Number.parseInt(id.slice(-16, -4), 16);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
