// Router: the primary's router: name leases, questions from one worker to another, monitors' lines, counters.
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { CounterName, Stats, StatsSnapshot } from '../core/stats/stats.js';
import type { ProcessStatus } from '../resp/siblings/load.js';
import type { Answer, Question, Sibling } from '../resp/siblings/siblings.js';
import { deadlineOf } from './deadlines.js';
import type { Answers, Link } from './link.js';
import { NameLeaseTable } from './name-leases.js';

export interface RouterOptions {
  /** The primary's own. */
  readonly status: () => ProcessStatus;
  /** The primary's counters: of its own listeners, and of workers that have ended. */
  readonly stats: Stats;
  readonly clock: Clock;
  /** The ids of a worker's connections: from the first up to, not including, the second. */
  readonly connectionIds: (worker: number) => readonly [from: number, to: number];
}

interface Member {
  readonly link: Link;
  /** It serves: it can be asked. */
  isReady: boolean;
  connections: number;
  /** As last reported. */
  connectionsElsewhere: number;
  /** It has monitors; its own commands are shown elsewhere. */
  isWatching: boolean;
  feedsOthers: boolean;
  /** Its counters as last reported. */
  counted: StatsSnapshot;
}

/** Lines are dropped for a worker with this many unread bytes. */
const unsentLimitBytes = 1024 * 1024;

export class Router {
  readonly #options: RouterOptions;
  readonly #leases = new NameLeaseTable();
  readonly #members = new Map<number, Member>();
  #countsLater: (() => void) | undefined;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Connects a worker that is about to start. */
  add(id: number, link: Link): void {
    const member: Member = {
      link,
      isReady: false,
      connections: 0,
      connectionsElsewhere: 0,
      isWatching: false,
      feedsOthers: false,
      counted: {},
    };
    this.#members.set(id, member);
    link.serve(this.#answersTo(id, member));
  }

  /** A worker serves. */
  ready(id: number): void {
    const member = this.#members.get(id);
    if (!member) return;
    member.isReady = true;
    this.#tellCountsLater();
    this.#watchersChanged();
  }

  /** A worker has ended: its names are free, and its counters move to the primary. */
  remove(id: number): void {
    const member = this.#members.get(id);
    if (!member) return;
    this.#members.delete(id);
    member.link.close();
    this.#leases.releaseAll(id);
    for (const [name, count] of Object.entries(member.counted)) this.#options.stats.add(name as CounterName, count);
    // What its connections held in groups that others read is requeued there.
    const connections = this.#options.connectionIds(id);
    for (const other of this.#members.values()) if (other.isReady) other.link.notify('remoteGone', connections);
    this.#tellCountsLater();
    this.#watchersChanged();
  }

  /** The worker with the fewest connections; undefined: none serves. @param fits whether it may get one more. */
  leastBusy(fits: (id: number) => boolean): number | undefined {
    const serving = [...this.#members].filter(([id, { isReady }]) => isReady && fits(id));
    return serving.sort(([, one], [, other]) => one.connections - other.connections)[0]?.[0];
  }

  /** A connection was passed on. @param to undefined: it was closed. */
  passed(from: number, to: number | undefined): void {
    const [sender, receiver] = [this.#members.get(from), to === undefined ? undefined : this.#members.get(to)];
    // Until it reports its own count: more may be passed on in the same moment.
    if (receiver) receiver.connections += 1;
    // The sender counts it too; it is corrected if that is wrong.
    if (sender) sender.connectionsElsewhere += 1;
    this.#tellCountsLater();
  }

  /** The answers of all workers but one; those that fail or do not answer in time are left out. */
  async askWorkers<Q extends Question>(
    question: Q,
    args: Parameters<Sibling[Q]>,
    except?: number,
  ): Promise<Answer<Q>[]> {
    const others = [...this.#members].filter(([id, { isReady }]) => isReady && id !== except);
    const asked = others.map(([, { link }]) => link.ask(question, args, deadlineOf(question, args)));
    const settled = await Promise.allSettled(asked);
    return settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value as Answer<Q>] : []));
  }

  close(): void {
    this.#countsLater?.();
  }

  #answersTo(id: number, member: Member): Answers {
    return {
      claim: (key: string) => this.#leases.claim(key, id, (holder) => this.#holds(holder, key)),
      release: (key: string) => this.#leases.release(key, id),
      askHolder: (key: string, question: Question, args: never) => this.#askHolder(key, question, args),
      askAll: (question: Question, args: never) => this.#askAll(id, question, args),
      watch: (on: boolean) => {
        member.isWatching = on;
        return this.#tellWatching();
      },
      show: (lines: string) => this.#show(id, lines),
      connections: (count: number) => {
        member.connections = count;
        this.#tellCountsLater();
      },
      counted: (stats: StatsSnapshot) => {
        member.counted = stats;
      },
    };
  }

  async #askAll(id: number, question: Question, args: never): Promise<unknown[]> {
    const answers: unknown[] = await this.askWorkers(question, args, id);
    if (question === 'status') answers.push(this.#options.status());
    if (question === 'resetStats') {
      this.#options.stats.reset();
      for (const member of this.#members.values()) member.counted = {};
    }
    return answers;
  }

  async #askHolder(key: string, question: Question, args: never): Promise<unknown> {
    const holder = this.#leases.holder(key);
    const member = holder === undefined ? undefined : this.#members.get(holder);
    return member?.link.ask(question, args, deadlineOf(question, args));
  }

  /** A worker that does not answer may still hold it; one that has ended does not. */
  async #holds(holder: number, key: string): Promise<boolean> {
    const member = this.#members.get(holder);
    if (!member) return false;
    const answer = await member.link.ask('holds', [key]).catch(() => true);
    return answer === true && this.#members.has(holder);
  }

  #show(from: number, lines: string): void {
    for (const [id, { isWatching, link }] of this.#members) {
      if (id === from || !isWatching || link.unsentBytes > unsentLimitBytes) continue;
      link.notify('showMonitors', [lines], lines.length);
    }
  }

  /** A worker that does not answer shows nothing, and is notified again when it serves. */
  #watchersChanged(): void {
    own(this.#tellWatching(), () => {});
  }

  /** Workers whose commands are monitored elsewhere send them; resolves when they know. */
  async #tellWatching(): Promise<void> {
    const watching = [...this.#members.values()].filter(({ isWatching }) => isWatching);
    const notifications = [...this.#members.values()].map(async (member) => {
      const feeds = watching.some((other) => other !== member);
      if (!member.isReady || feeds === member.feedsOthers) return;
      member.feedsOthers = feeds;
      // A worker that does not answer shows nothing either.
      await member.link.ask('feedMonitors', [feeds]).catch(() => {});
    });
    await Promise.all(notifications);
  }

  /** Connections come and go in bursts: changes of a moment are reported once. */
  #tellCountsLater(): void {
    this.#countsLater ??= this.#options.clock.after(1, () => {
      this.#countsLater = undefined;
      this.#tellCounts();
    });
  }

  #tellCounts(): void {
    let all = 0;
    for (const { connections } of this.#members.values()) all += connections;
    for (const member of this.#members.values()) {
      const elsewhere = all - member.connections;
      if (!member.isReady || elsewhere === member.connectionsElsewhere) continue;
      member.connectionsElsewhere = elsewhere;
      member.link.notify('connectionsElsewhere', [elsewhere]);
    }
  }
}
