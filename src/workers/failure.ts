// Converts a thrown error to data that crosses processes, and back.
import { KafkaError, type KafkaFault } from '../core/ports.js';
import { type ErrorCode, GatewayError } from '../errors.js';

export type Failure =
  | { readonly code: ErrorCode; readonly args: readonly (string | number)[] }
  | { readonly kafka: KafkaFault }
  /** The question whose answer failed unexpectedly: the log of that process has the error. */
  | { readonly bug: string };

/** Undefined for an unexpected failure. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof GatewayError) return { code: error.code, args: error.args };
  if (!(error instanceof KafkaError)) return undefined;
  const { message, code, fatal, retriable, abortable } = error;
  return { kafka: { message, code, fatal, retriable, abortable } };
}

export function thrown(failure: Failure): Error {
  if ('code' in failure) return new GatewayError(failure.code, failure.args);
  if ('kafka' in failure) return new KafkaError(failure.kafka);
  return new Error(`another worker failed to answer '${failure.bug}'`);
}
