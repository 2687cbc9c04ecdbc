// The channels and patterns of one connection. A channel is a topic; new messages are pushed.

import { globMatcher } from '../../../core/access/glob.js';
import { KafkaError, type Message } from '../../../core/ports.js';
import type { TopicTail } from '../../../core/streams/log/topic-tail.js';
import { isInternalTopic } from '../../../core/topics/topic-name.js';
import { fail, GatewayError } from '../../../errors.js';
import type { Context, Subscriptions } from '../../command/context.js';
import { encodeAlone } from '../../wire/encoder.js';
import { PushReply, type Reply } from '../../wire/reply.js';
import { topicOf } from '../names.js';

interface Subscription {
  readonly ready: Promise<unknown>;
  readonly stop: () => void;
  /** See Subscriptions. */
  readonly recheck?: () => void;
}

/** A subscribed topic. */
interface Heard {
  readonly tail: TopicTail;
  readonly stop: () => void;
}

/** Interval of looking for topics that match a pattern, ms. */
const lookMs = 5_000;
/** Maximum per connection: all topics are compared with each of its patterns periodically. */
const mostSubscriptions = 1_000;
const prefix = 'topics:';

/** @throws KafkaError if messages of a topic would be missed. Topics that the gateway may not read are skipped. */
function checkPlaced(heard: Iterable<Heard>): void {
  for (const { tail } of heard) if (tail.unplaced && !tail.fault) throw new KafkaError(tail.unplaced);
}

export class TopicSubscriptions implements Subscriptions {
  readonly #ctx: Context;
  readonly #channels = new Map<string, Subscription>();
  readonly #patterns = new Map<string, Subscription>();
  /** SUBSCRIBEs and PSUBSCRIBEs that are not confirmed yet. */
  #confirming = 0;
  /** Messages that wait for a confirmation. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #closed = false;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  get count(): number {
    return this.#channels.size + this.#patterns.size;
  }

  get channels(): Iterable<string> {
    return this.#channels.keys();
  }

  get patterns(): Iterable<string> {
    return this.#patterns.keys();
  }

  /** @returns when everything from then on is heard. A name that no topic can have is confirmed without effect. @throws GatewayError `not-permitted`, `too-many-consumers`; KafkaError if Kafka does not permit it. */
  subscribe(channel: string): Promise<unknown> {
    if (this.#closed) throw fail('client-gone');
    const known = this.#channels.get(channel);
    if (known) return known.ready;
    this.#checkRoom();
    const topic = this.#topicOf(channel);
    if (topic === undefined) return this.#neverHeard(channel);
    this.#ctx.user.checkConsume(this.#ctx.user.name, [topic]);
    const { tail, stop } = this.#hear(topic, (value) => ['message', channel, value]);
    const ready = tail.ready.then(() => {
      const fault = tail.fault ?? tail.unplaced;
      if (fault) throw new KafkaError(fault);
    });
    const recheck = (): void => this.#ctx.user.checkConsume(this.#ctx.user.name, [topic]);
    this.#channels.set(channel, { ready, stop, recheck });
    ready.catch(() => this.#end(this.#channels, channel));
    return ready;
  }

  /** New topics are found within seconds. @throws KafkaError, GatewayError `too-many-consumers`. */
  async psubscribe(pattern: string): Promise<unknown> {
    if (this.#closed) throw fail('client-gone');
    const known = this.#patterns.get(pattern);
    if (known) return known.ready;
    this.#checkRoom();
    const heard = new Map<string, Heard>();
    const ended = new AbortController();
    const timer = setInterval(() => {
      this.#look(pattern, heard, ended.signal).catch((err: unknown) => {
        this.#ctx.log.warn({ conn: this.#ctx.id, pattern, err }, 'PSUBSCRIBE could not look for topics');
      });
    }, lookMs);
    const stop = (): void => {
      ended.abort();
      clearInterval(timer);
      for (const { stop: stopTail } of heard.values()) stopTail();
    };
    const ready = this.#look(pattern, heard, ended.signal).then(() => checkPlaced(heard.values()));
    const recheck = (): void => {
      for (const [topic, { stop: stopTail }] of heard) {
        if (this.#mayHear(topic)) continue;
        stopTail();
        heard.delete(topic);
      }
    };
    this.#patterns.set(pattern, { ready, stop, recheck });
    ready.catch(() => this.#end(this.#patterns, pattern));
    return ready;
  }

  /**
   * Messages wait until the confirmation is written, which clients expect first.
   * @returns a function to call when the confirmation is about to be written
   */
  maxMessages(): () => void {
    this.#confirming++;
    return () => {
      // The confirmation is written in this turn of the event loop.
      setImmediate(() => {
        if (--this.#confirming === 0) this.#writeHeld();
      });
    };
  }

  /** @returns whether it was subscribed. */
  unsubscribe(channel: string): boolean {
    return this.#end(this.#channels, channel);
  }

  punsubscribe(pattern: string): boolean {
    return this.#end(this.#patterns, pattern);
  }

  recheck(): void {
    for (const { recheck } of [...this.#channels.values(), ...this.#patterns.values()]) recheck?.();
  }

  /** For good: a command that is about to subscribe finds it closed. */
  close(): void {
    this.#closed = true;
    this.#held = [];
    this.#heldBytes = 0;
    for (const channel of [...this.#channels.keys()]) this.unsubscribe(channel);
    for (const pattern of [...this.#patterns.keys()]) this.punsubscribe(pattern);
  }

  /** undefined: no topic can have this name. */
  #topicOf(channel: string): string | undefined {
    try {
      return topicOf(Buffer.from(channel), this.#ctx.server.gateway.settings);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#ctx.log.warn(
        { conn: this.#ctx.id, channel, reason: error.message },
        'SUBSCRIBE to a name that no topic can have: no message will come',
      );
      return undefined;
    }
  }

  /** Libraries subscribe to channels of their own, and give up if that fails. */
  #neverHeard(channel: string): Promise<unknown> {
    const ready = Promise.resolve();
    this.#channels.set(channel, { ready, stop: () => {} });
    return ready;
  }

  #checkRoom(): void {
    if (this.count >= mostSubscriptions)
      throw fail('stream-argument', `a connection listens to ${mostSubscriptions} channels and patterns at most`);
  }

  #end(all: Map<string, Subscription>, name: string): boolean {
    all.get(name)?.stop();
    return all.delete(name);
  }

  async #look(pattern: string, heard: Map<string, Heard>, ended: AbortSignal): Promise<void> {
    const { catalog } = this.#ctx.server.gateway;
    const prefixed = pattern.startsWith(prefix);
    const matches = globMatcher(prefixed ? pattern.slice(prefix.length) : pattern);
    const topics = [...(await catalog.all()).keys()].filter((topic) => matches(topic) && this.#mayHear(topic));
    // A subscriber that left meanwhile would never give a tail back.
    if (ended.aborted) return;
    for (const topic of topics) {
      if (heard.has(topic)) continue;
      const name = prefixed ? prefix + topic : topic;
      heard.set(
        topic,
        this.#hear(topic, (value) => ['pmessage', pattern, name, value]),
      );
    }
    await Promise.all([...heard.values()].map(({ tail }) => tail.ready));
  }

  #mayHear(topic: string): boolean {
    const { user, server } = this.#ctx;
    if (isInternalTopic(topic) && !server.gateway.settings.allowInternalTopics) return false;
    try {
      user.checkConsume(user.name, [topic]);
      return true;
    } catch (error) {
      if (error instanceof GatewayError) return false;
      throw error;
    }
  }

  #hear(topic: string, shape: (value: Buffer) => Reply[]): Heard {
    const { tail, giveBack } = this.#ctx.server.gateway.streams.tails.use(topic);
    const stopListening = tail.listen((messages) => this.#push(messages, shape));
    const stop = (): void => {
      stopListening();
      giveBack();
    };
    return { tail, stop };
  }

  /** Tombstones are not pushed. */
  #push(messages: readonly Message[], shape: (value: Buffer) => Reply[]): void {
    const { protocol } = this.#ctx;
    const pieces: Buffer[] = [];
    for (const { value } of messages)
      if (value !== null) pieces.push(encodeAlone(new PushReply(shape(value)), protocol));
    if (pieces.length > 0) this.#write(Buffer.concat(pieces));
  }

  #write(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#confirming === 0) {
      this.#ctx.writeAside(bytes);
      return;
    }
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    // The client is not better off with more in memory here than in its socket.
    if (this.#heldBytes > this.#ctx.server.settings.outputBufferBytes) this.#writeHeld();
  }

  #writeHeld(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    if (held.length > 0 && !this.#closed) this.#ctx.writeAside(Buffer.concat(held));
  }
}
