// How long the answers to questions between workers may take.
import type { Question } from '../resp/peers.js';
import { answerMs } from './link.js';

/** Acks may have to ask a broker twice, commits wait for one, ms. */
const brokerMs = 12_000;
/** What the way over the primary may add, ms. */
const wayMs = 500;

const longer: Partial<Record<Question, number>> = { ack: brokerMs, ackEntries: brokerMs, leaveGroup: brokerMs };

/** Of the worker that is asked, ms. */
export const deadlineOf = (question: Question): number => longer[question] ?? answerMs;

/** Of the primary that asks it on behalf of another, ms. */
export const routedDeadlineOf = (question: Question): number => deadlineOf(question) + wayMs;
