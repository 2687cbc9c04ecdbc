// WorkerSiblings: the other processes behind the same port, as one worker asks them: always through the primary.
import type {
  Answer,
  ConnectionHandle,
  Question,
  ServerIdentity,
  Sibling,
  Siblings,
} from '../resp/siblings/siblings.js';
import { routedDeadlineOf } from './deadlines.js';
import type { Link } from './link.js';
import type { Channel } from './start-options.js';

export class WorkerSiblings implements Siblings {
  readonly exist = true;
  readonly server: ServerIdentity;
  readonly #link: Link;
  readonly #channel: Pick<Channel, 'pass'>;

  constructor(link: Link, channel: Pick<Channel, 'pass'>, server: ServerIdentity) {
    this.#link = link;
    this.#channel = channel;
    this.server = server;
  }

  get unsentBytes(): number {
    return this.#link.unsentBytes;
  }

  async claim(key: string): Promise<boolean> {
    try {
      return (await this.#link.ask('claim', [key], routedDeadlineOf('holds', []))) === true;
    } catch (error) {
      // It may have been granted all the same.
      this.release(key);
      throw error;
    }
  }

  release(key: string): void {
    this.#link.notify('release', [key]);
  }

  async askHolder<Q extends Question>(key: string, question: Q, ...args: Parameters<Sibling[Q]>) {
    const answer = await this.#link.ask('askHolder', [key, question, args], routedDeadlineOf(question, args));
    return answer as Answer<Q> | undefined;
  }

  async askAll<Q extends Question>(question: Q, ...args: Parameters<Sibling[Q]>) {
    const answers = await this.#link.ask('askAll', [question, args], routedDeadlineOf(question, args));
    return answers as Answer<Q>[];
  }

  connections(count: number): void {
    this.#link.notify('connections', [count]);
  }

  passOn(connection: ConnectionHandle): boolean {
    return this.#channel.pass(connection);
  }

  async watch(on: boolean): Promise<void> {
    await this.#link.ask('watch', [on], routedDeadlineOf('feedMonitors', []));
  }

  show(lines: string): void {
    this.#link.notify('show', [lines], lines.length);
  }
}
