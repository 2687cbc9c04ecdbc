// Consumer faults that last until an operator fixes their cause: waiting does not help, so callers get an error.
import { fail, type GatewayError } from '../errors.js';
import { KafkaCode, type KafkaFault } from './ports.js';

/** Kafka's permissions: a topic, a group, the cluster. */
const denied: ReadonlySet<number> = new Set([KafkaCode.topicAuthorizationFailed, 30, 31]);

/** Errors of a login to a broker. */
const login: ReadonlySet<number> = new Set([
  -169, // authentication failure
  33, // unsupported SASL mechanism
  34, // illegal SASL state
  58, // SASL authentication failed
]);

/** Errors with which a group refuses a member. */
const refused: ReadonlySet<number> = new Set([
  -140, // no offset to reset to (auto.offset.reset: error)
  -165, // the broker lacks a feature
  23, // inconsistent group protocol
  24, // invalid group id
  26, // invalid session time-out
  35, // unsupported version
  81, // the group has as many members as it may have
  82, // fenced: another static member has this one's id
  111, // another static member has this one's id and has not left
  112, // unsupported assignor
]);

type Coded = Pick<KafkaFault, 'code'>;

/** Transport errors, missing topics and other transient faults are not lasting. */
export const isLasting = ({ code }: Coded): boolean => denied.has(code) || login.has(code) || refused.has(code);

/** The fault concerns one topic; a member may continue with others. */
export const isOfTopic = ({ code }: Coded): boolean => code === KafkaCode.topicAuthorizationFailed;

/** The fault concerns the connection to one broker; others may still serve. */
export const isOfLogin = ({ code }: Coded): boolean => login.has(code);

/** For REST and gRPC clients: missing Kafka permissions are distinguished from other lasting faults. */
export const consumeError = ({ code, message }: Pick<KafkaFault, 'code' | 'message'>): GatewayError =>
  fail(denied.has(code) ? 'consume-denied' : 'consume-refused', message);
