// Faults of consumers that last until somebody mends their cause: waiting does not help, so that whoever waits is told.
import { fail, type GatewayError } from '../errors.js';
import { KafkaCode, type KafkaFault } from './ports.js';

/** Kafka's rights: a topic, a group, the cluster. */
const denied: ReadonlySet<number> = new Set([KafkaCode.topicAuthorizationFailed, 30, 31]);

/** What brokers refuse of how somebody logs in. */
const login: ReadonlySet<number> = new Set([
  -169, // authentication failure
  33, // unsupported SASL mechanism
  34, // illegal SASL state
  58, // SASL authentication failed
]);

/** What a group refuses of a member, or a member of its group. */
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

/** Transport trouble, missing topics and everything else that passes by itself is not. */
export const isLasting = ({ code }: Coded): boolean => denied.has(code) || login.has(code) || refused.has(code);

/** It is about one topic; a member of the group may go on with others. */
export const isOfTopic = ({ code }: Coded): boolean => code === KafkaCode.topicAuthorizationFailed;

/** It is about a connection to one broker; others may still serve. */
export const isOfLogin = ({ code }: Coded): boolean => login.has(code);

/** For clients of REST and gRPC: what Kafka's rights forbid is theirs to hear apart from what is not possible now. */
export const consumeError = ({ code, message }: Pick<KafkaFault, 'code' | 'message'>): GatewayError =>
  fail(denied.has(code) ? 'consume-denied' : 'consume-refused', message);
