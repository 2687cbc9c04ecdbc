// `node build/test/campaign/altered-answers.js [--seed n] [--per-question n] [--per-life n] [--calls a,b] [--only text]`: no answer of a broker ends
// the process. A real Kafka behind a double that alters the answers; without numbers every alteration is tried.
import { parseArgs } from 'node:util';
import { fuzz } from '../support/answers/fuzz.js';
import { AnswerStage } from '../support/answers/stage.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    'per-question': { type: 'string' },
    'per-life': { type: 'string' },
    calls: { type: 'string' },
    only: { type: 'string' },
  },
});
const number = (text: string | undefined): number => (text === undefined ? Number.POSITIVE_INFINITY : Number(text));
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
console.log(`seed ${seed}`);
const stage = await AnswerStage.start();
try {
  const { tried, findings, anew } = await fuzz(stage.double, {
    seed,
    perQuestion: number(values['per-question']),
    perLife: number(values['per-life']),
    calls: values.calls?.split(','),
    only: values.only,
    say: console.log,
  });
  console.log(`${tried} altered answers, ${findings.length} findings, ${anew} clients made anew, seed ${seed}`);
  process.exitCode = findings.length > 0 ? 1 : 0;
} finally {
  await stage.stop();
}
