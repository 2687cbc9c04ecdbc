// Time limits of questions between workers.
import type { GroupCall, PopCall, Question } from '../resp/siblings/siblings.js';
import { answerMs } from './link.js';

/** Acks may have to ask a broker twice, commits wait for one, ms. */
const brokerMs = 12_000;
/** What the way through the primary may add, ms. */
const wayMs = 500;

const longer: Partial<Record<Question, number>> = { ack: brokerMs, ackEntries: brokerMs, endGroups: brokerMs };

/** For the worker that is asked, ms. @param args of the question: some contain their own wait */
export function deadlineOf(question: Question, args: readonly unknown[]): number {
  if (question === 'groupCommand' || question === 'popElements')
    return brokerMs + ((args[0] as GroupCall | PopCall).waitMs ?? 0);
  return longer[question] ?? answerMs;
}

/** For the primary that asks it on behalf of another, ms. */
export const routedDeadlineOf = (question: Question, args: readonly unknown[]): number =>
  deadlineOf(question, args) + wayMs;
