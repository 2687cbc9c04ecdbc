// What producers, consumers and the admin client share: connect, metadata and disconnect as promises; librdkafka's events to the log.

import { KafkaCode, KafkaError, type KafkaFault } from '../core/ports.js';
import { after } from '../io/clock.js';
import type { Log } from '../log.js';
import { faultFrom, faultOf, refuse, wrap } from './fault.js';
import type {
  Callback,
  NativeClient,
  NativeError,
  NativeEvent,
  NativeEvents,
  NativeGlobals,
  NativeMetadata,
} from './native.js';
import { type ClientProperties, complaint } from './properties.js';
import { suggestion } from './suggestion.js';

export interface ClientOptions<N extends NativeClient> {
  /** `producer` or `consumer`, for log lines. */
  readonly kind: string;
  readonly create: new (global: object, topic: object) => N;
  readonly properties: ClientProperties;
  readonly log: Log;
  readonly onFault: (fault: KafkaFault) => void;
  /** Callbacks in addition to the client's own. */
  readonly events?: NativeEvents;
  readonly globals?: NativeGlobals;
}

/** Time limit for closing a client that was only opened to check its properties, ms. */
const checkTimeoutMs = 2_000;

/** One connected librdkafka client. */
export interface Client<N extends NativeClient> {
  readonly native: N;
  /** Why librdkafka gave the client up: its errors say only that it did. */
  readonly fatalReason: string | undefined;
  /** Runs a call that ends with a callback. @throws KafkaError */
  ask<T>(call: (callback: Callback<T>) => void): Promise<T>;
  /** Never rejects; a disconnect that hangs is abandoned after timeoutMs, with a log line, and another one if it ends later. */
  disconnect(timeoutMs: number): Promise<void>;
}

/**
 * Opens a client and waits until a broker has answered. It requests no topics: all topics of a large cluster take forty times as long,
 * and librdkafka's own metadata call requests them. See docs/decisions/0006.
 * @throws KafkaError if a property is refused, or no broker answers within timeoutMs.
 */
export async function connect<N extends NativeClient>(
  options: ClientOptions<N>,
  timeoutMs: number,
): Promise<Client<N>> {
  const { log } = options;
  const native = construct(options);
  let lastTrouble = '';
  let fatalReason: string | undefined;
  const onEvent = (type: string, data: NativeEvent): void => {
    if (type === 'error') {
      const fault = faultFrom(data as NativeError);
      lastTrouble ||= fault.message;
      options.onFault(fault);
    } else if (type === 'log') {
      if (data.fac === 'FATAL') fatalReason = reasonOf(data.message);
      if ((data.severity ?? 7) <= 4) lastTrouble = plain(data.message);
      logEvent(log, data);
    } else if (type === 'stats') {
      log.info({ statistics: data.message }, 'librdkafka statistics');
    }
  };
  const callbacks = { global: options.globals ?? {}, topic: {}, event: { ...options.events, event_cb: onEvent } };
  native.configureCallbacks(true, callbacks);

  const client: Client<N> = {
    native,
    get fatalReason() {
      return fatalReason;
    },
    ask: (call) => ask(call),
    disconnect: (limitMs) => disconnect(native, callbacks, options, limitMs),
  };
  await create(native, options);
  options.properties.credentials?.add(native);
  try {
    await awaitAnswer(client, timeoutMs);
  } catch (error) {
    await client.disconnect(1000);
    const fault = error as KafkaError;
    throw new KafkaError({ ...fault, message: lastTrouble || fault.message }, { cause: error });
  }
  return client;
}

/** Creates a client with these properties and drops it, without contacting a broker. @throws KafkaError naming the property and its section. */
export async function checkProperties<N extends NativeClient>(options: ClientOptions<N>): Promise<void> {
  const native = construct(options);
  const callbacks = { global: {}, topic: {}, event: {} };
  await create(native, options);
  await disconnect(native, callbacks, options, checkTimeoutMs);
}

/** Creates the librdkafka handle; librdkafka validates property combinations here. */
async function create(native: NativeClient, { properties }: { properties: ClientProperties }): Promise<void> {
  await ask((callback: Callback<unknown>) => native.connect(callback)).catch((error: KafkaError) => {
    throw refuse(KafkaCode.invalidArgument, complaint(error.message, properties.sectionOf));
  });
}

/** A client connects by itself: only wait for it. */
async function awaitAnswer(client: Client<NativeClient>, timeoutMs: number): Promise<void> {
  const { native } = client;
  const deadline = performance.now() + timeoutMs;
  try {
    await client.ask<void>((callback) => native.awaitBroker(Math.max(1, Math.ceil(timeoutMs)), callback));
  } catch (error) {
    const left = deadline - performance.now();
    if (left < 1) throw error;
    // A cluster that is changing its controller: any answer will do.
    await metadata(client, { timeoutMs: left });
  }
}

/**
 * Metadata of all topics, or of one, which the broker may create if `allow.auto.create.topics` says so. Without either, librdkafka
 * requests the topics that the client knows, and for a new client that knows none, all.
 */
export function metadata(
  client: Client<NativeClient>,
  options: { topic?: string; all?: boolean; timeoutMs: number },
): Promise<NativeMetadata> {
  const { topic = '', all = false, timeoutMs } = options;
  return client.ask((callback) =>
    client.native.getMetadata({ topic, allTopics: all, timeout: Math.max(1, Math.ceil(timeoutMs)) }, callback),
  );
}

function construct<N extends NativeClient>({ create, properties, globals }: ClientOptions<N>): N {
  try {
    return new create({ ...properties.global, ...globals }, properties.topic);
  } catch (error) {
    const { message } = error as Error;
    const text = complaint(message, properties.sectionOf) + suggestion(message);
    throw new KafkaError(faultOf(KafkaCode.invalidArgument, text), { cause: error });
  }
}

function ask<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    try {
      call((error, result) => (error ? reject(wrap(error)) : resolve(result)));
    } catch (error) {
      reject(wrap(error as NativeError));
    }
  });
}

function disconnect(
  native: NativeClient,
  callbacks: Parameters<NativeClient['configureCallbacks']>[1],
  { kind, log, properties }: { kind: string; log: Log; properties: ClientProperties },
  timeoutMs: number,
): Promise<void> {
  properties.credentials?.delete(native);
  const from = performance.now();
  return new Promise((resolve) => {
    let state: 'closing' | 'abandoned' | 'closed' = 'closing';
    const abandon = (): void => {
      if (state !== 'closing') return;
      state = 'abandoned';
      // librdkafka may hang here after a broker was lost; its threads are abandoned rather than awaited.
      log.warn({ kind, timeoutMs }, 'librdkafka client did not disconnect in time and is abandoned');
      resolve();
    };
    // After a stall of the event loop a timer runs before callbacks that are already due: they get their turn first.
    const cancel = after(timeoutMs, () => setImmediate(abandon));
    native.disconnect(() => {
      cancel();
      native.configureCallbacks(false, callbacks);
      if (state === 'abandoned')
        log.info({ kind, ms: Math.round(performance.now() - from) }, 'abandoned librdkafka client has disconnected');
      state = 'closed';
      resolve();
    });
  });
}

/** syslog severities: 0-2 critical, 3 error (a broker that went away, retried by librdkafka), 4 warning, 5 notice, 6 info, 7 debug. */
function logEvent(log: Log, { severity = 7, fac, message }: NativeEvent): void {
  const level =
    severity <= 2 ? 'error' : severity <= 4 ? 'warn' : severity === 5 ? 'info' : severity === 6 ? 'debug' : 'trace';
  log[level]({ fac }, message);
}

/** The first informative part of `[thrd:main]: Fatal error: <what>: <what was done>: <what>`. */
const reasonOf = (text: string): string =>
  plain(text)
    .replace(/^(?:Fatal )?error: /i, '')
    .replace(/: Fatal consumer error: .*$/, '');

/** librdkafka's log text without its thread's name and the times, for error texts. */
const plain = (text: string): string => text.replace(/^\[thrd:[^\]]*\]: (\S+: )?/, '').replace(/ \(after .*\)$/, '');
