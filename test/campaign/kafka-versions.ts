// The gateway on one broker of each Kafka version that it is said to work with. Fetches what is missing (Maven), tries every listener, prints a
// table, and keeps it as docs/kafka-versions.json, of which `npm run docs` makes the tables of README and docs/KAFKA-VERSIONS.md.
//
// node build/test/campaign/kafka-versions.js [--only 1.1.1,2.3.1]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openVersionLab } from './version-lab.js';
import { type Lab, type Step, steps } from './version-steps.js';
import { isBefore } from './versioned-kafka.js';

const root = new URL('../../../', import.meta.url);
const resultsFile = new URL('docs/kafka-versions.json', root);
/** How long a step may take, ms. */
const stepMs = 60_000;

/** By version: what the broker counts as, and by step `yes`, `no` (and it says so) or what went wrong. */
type Results = Record<string, { shownAs: string; steps: Record<string, string> }>;

const nameOf = ({ listener, name }: Step): string => `${listener}: ${name}`;

/** `yes`; `no` when an old broker's refusal names itself; else what went wrong. */
async function outcome(step: Step, version: string, lab: Lab, topic: string): Promise<string> {
  const isTooOld = step.since !== undefined && isBefore(version, ...step.since);
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`not done after ${stepMs} ms`)), stepMs);
  });
  try {
    await Promise.race([step.run(lab, topic), tooLate]);
    return isTooOld ? 'done, though this version cannot' : 'yes';
  } catch (error) {
    const { message, details } = error as Error & { details?: string };
    const said = details ?? message;
    return isTooOld && /Kafka \d+\.\d+/.test(said) ? 'no' : said.split('\n').slice(0, 6).join(' ');
  } finally {
    clearTimeout(late);
  }
}

async function tryVersion(version: string, fetchKafka: (version: string) => string): Promise<Results[string]> {
  const lab = await openVersionLab(version, fetchKafka(version));
  const done: Record<string, string> = {};
  try {
    for (const [index, step] of steps.entries()) {
      const from = Date.now();
      const result = await outcome(step, version, lab, `t${index}`);
      done[nameOf(step)] = result;
      console.log(`${version.padEnd(6)} ${nameOf(step).padEnd(70)} ${result} (${Date.now() - from} ms)`);
    }
    return { shownAs: lab.greeting, steps: done };
  } finally {
    await lab.close();
  }
}

const { values } = parseArgs({ options: { only: { type: 'string' } } });
// A script of the repository, which is not compiled.
const { fetchKafka, KAFKA_VERSIONS } = (await import(new URL('scripts/fetch-kafka.mjs', root).href)) as {
  fetchKafka: (version: string) => string;
  KAFKA_VERSIONS: readonly string[];
};
const results: Results = values.only && existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
for (const version of values.only?.split(',') ?? KAFKA_VERSIONS)
  results[version] = await tryVersion(version, fetchKafka);
const ordered = Object.fromEntries(KAFKA_VERSIONS.flatMap((each) => (results[each] ? [[each, results[each]]] : [])));
writeFileSync(resultsFile, `${JSON.stringify(ordered, undefined, 2)}\n`);
const wrong = Object.values(ordered).flatMap(({ steps: done }) =>
  Object.values(done).filter((result) => !['yes', 'no'].includes(result)),
);
console.log(wrong.length === 0 ? 'every step as expected; now: npm run docs' : `${wrong.length} steps went wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;
