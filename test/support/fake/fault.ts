// Short forms for errors of the fake Kafka.
import { KafkaError, type KafkaFault } from '../../../src/core/ports.js';

type Kind = Partial<Pick<KafkaFault, 'fatal' | 'retriable' | 'abortable'>>;

export const fault = (code: number, message: string, kind: Kind = {}): KafkaFault => ({
  code,
  message,
  fatal: false,
  retriable: false,
  abortable: false,
  ...kind,
});

export const refusal = (code: number, message: string, kind?: Kind): KafkaError =>
  new KafkaError(fault(code, message, kind));
