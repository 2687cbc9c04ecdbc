// Translates errors of librdkafka and its binding to KafkaError, in one place.
import { KafkaCode, KafkaError, type KafkaFault } from '../core/ports.js';
import { type NativeError, native } from './native.js';

/** librdkafka's codes lie in -200..0 (local) and 1..129 (broker). */
const lowestCode = -200;
const highestCode = 130;

/** Delivery reports and client events carry librdkafka's text only; this finds the code. */
const codeByText = new Map<string, number>();
for (let code = lowestCode; code <= highestCode; code++) {
  const text = native.err2str(code);
  if (code !== 0 && !codeByText.has(text)) codeByText.set(text, code);
}

const retriable: ReadonlySet<number> = new Set([
  KafkaCode.transport,
  KafkaCode.resolve,
  KafkaCode.allBrokersDown,
  KafkaCode.timedOut,
  KafkaCode.messageTimedOut,
  KafkaCode.queueFull,
  KafkaCode.brokerReplaced,
  -180, // waiting for the coordinator
  -166, // timed out in queue
  -153, // retry
  5, // leader not available
  6, // not leader for partition
  7, // request timed out
  8, // broker not available
  13, // network exception
  14, // coordinator load in progress
  15, // coordinator not available
  16, // not coordinator
  19, // not enough replicas
  20, // not enough replicas after append
  27, // rebalance in progress
]);

/** The fault of a code alone, with librdkafka's text unless a better one is known. */
export function faultOf(code: number, message: string = native.err2str(code)): KafkaFault {
  const fatal = code === KafkaCode.fatal || code === KafkaCode.fenced;
  return { code, message, fatal, retriable: retriable.has(code), abortable: false };
}

/** The fault in any error of the binding: a code, an error object, or an Error with a text. */
export function faultFrom(raw: NativeError | number): KafkaFault {
  if (typeof raw === 'number') return faultOf(raw);
  const code = typeof raw.code === 'number' ? raw.code : (codeByText.get(raw.message) ?? -1);
  const known = faultOf(code, raw.message);
  return {
    ...known,
    fatal: raw.isFatal ?? known.fatal,
    retriable: raw.isRetriable ?? known.retriable,
    abortable: raw.isTxnRequiresAbort ?? false,
  };
}

/** KafkaError of any error of the binding; an Error stays as `cause`. */
export function wrap(raw: NativeError | number): KafkaError {
  return new KafkaError(faultFrom(raw), raw instanceof Error ? { cause: raw } : undefined);
}

/** A refusal of our own as a Kafka error. */
export const refuse = (code: number, message: string): KafkaError => new KafkaError(faultOf(code, message));

/** Runs a call of the binding that throws or returns 0 or an error code. */
export function check(call: () => unknown): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    throw wrap(error as NativeError);
  }
  if (typeof result === 'number' && result !== 0) throw wrap(result);
}
