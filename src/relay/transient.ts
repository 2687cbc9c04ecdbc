// Which failures are worth another try, as opposed to a refusal or a bug.
import { KafkaError } from '../core/ports.js';
import { GatewayError } from '../errors.js';

export const isPassing = (error: unknown): error is KafkaError | GatewayError =>
  error instanceof KafkaError || (error instanceof GatewayError && error.code === 'relay-waiting');
