// Puts calls to altered answers, one after the other: the process must live, each call must end, and the next one must get its answer.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Alteration, alterationsOf, type Random, randomOf } from './alterations.js';
import type { BrokerDouble } from './broker-double.js';
import { schemas } from './schemas.js';
import { lives, questions } from './victim.js';

/** How long a question with its grace, and the whole life of a client, may take, ms: more is a hang. */
const questionMs = 5_000;
const lifeMs = 15_000;
/** How long calls may fail after the altered answer, ms: connections are made again meanwhile. */
const recoveryMs = 15_000;
/** As bin/rafka has it: a close that was given up holds a thread of libuv's pool until its session ends. */
const poolThreads = '512';
/** The api key of Metadata. */
const metadata = 3;

export interface FuzzOptions {
  readonly seed: number;
  /** How many alterations of each answer that a question, or a client's life, waits for. */
  readonly perQuestion: number;
  readonly perLife: number;
  /** Which calls; absent: all. */
  readonly calls?: readonly string[] | undefined;
  /** Only what has this in `where` of a finding. */
  readonly only?: string | undefined;
  readonly say?: (line: string) => void;
}

/**
 * Makes one call while every answer to its questions with this api key is altered, then again with nothing altered, in a process of
 * its own. @returns what is wrong, undefined if the process lived, the call ended and the next one got its answer
 */
export async function withAltered(
  double: BrokerDouble,
  call: string,
  api: number,
  alter: (body: Buffer) => Buffer,
): Promise<string | undefined> {
  const fuzzing = new Fuzzing(double, { seed: 0, perQuestion: 0, perLife: 0 });
  try {
    await fuzzing.alter(call, api, { label: 'as told', apply: alter }, false);
    return fuzzing.findings[0]?.what;
  } finally {
    await fuzzing.end();
  }
}

interface Finding {
  /** What was called, which answer was altered and how. */
  readonly where: string;
  /** What came of it. */
  readonly what: string;
}

export interface FuzzResult {
  readonly tried: number;
  readonly findings: readonly Finding[];
  /** How often the client had to be made anew: its brokers' addresses were altered. */
  readonly anew: number;
}

const allCalls: readonly string[] = [...Object.keys(questions), ...Object.keys(lives)];

export async function fuzz(double: BrokerDouble, options: FuzzOptions): Promise<FuzzResult> {
  const fuzzing = new Fuzzing(double, options);
  try {
    for (const call of options.calls ?? allCalls) await fuzzing.ofCall(call);
    return fuzzing;
  } finally {
    await fuzzing.end();
  }
}

class Fuzzing implements FuzzResult {
  tried = 0;
  anew = 0;
  readonly findings: Finding[] = [];
  readonly #double: BrokerDouble;
  readonly #options: FuzzOptions;
  readonly #random: Random;
  #victim: Victim | undefined;

  constructor(double: BrokerDouble, options: FuzzOptions) {
    this.#double = double;
    this.#options = options;
    this.#random = randomOf(options.seed);
  }

  async ofCall(call: string): Promise<void> {
    const { perQuestion, perLife, say } = this.#options;
    const answers = await this.#answersOf(call);
    const before = this.findings.length;
    const started = this.tried;
    for (const [api, body] of answers) {
      const all = alterationsOf(api, body, this.#random);
      const count = call in questions ? perQuestion : perLife;
      for (const alteration of chosen(all, count, this.#random)) {
        const once = this.#random() < 0.5;
        for (const mode of this.#options.only === undefined ? [once] : [true, false])
          await this.alter(call, api, alteration, mode);
      }
    }
    const names = [...answers.keys()].map((api) => schemas.get(api)?.name ?? `api ${api}`).join(' ');
    say?.(`${call}: ${this.tried - started} altered answers (${names}), ${this.findings.length - before} findings`);
  }

  async end(): Promise<void> {
    await this.#victim?.end();
  }

  /** What a call waits for when nothing is altered, by api key. */
  async #answersOf(call: string): Promise<Map<number, Buffer>> {
    const answers = new Map<number, Buffer>();
    this.#double.alter = (api, _version, body, clientId) => {
      if (clientId === 'victim') answers.set(api, body);
      return undefined;
    };
    const plain = await this.#plain(call);
    if (plain) throw new Error(`${call} fails with nothing altered: ${plain}`);
    this.#double.alter = () => undefined;
    return answers;
  }

  /** One call with one altered answer, or with all that are alike. */
  async alter(call: string, api: number, alteration: Alteration, once: boolean): Promise<void> {
    const where = `${call}, ${schemas.get(api)?.name ?? api} ${once ? 'once' : 'always'}: ${alteration.label}`;
    if (!where.includes(this.#options.only ?? '')) return;
    this.tried += 1;
    let left = once ? 1 : Number.POSITIVE_INFINITY;
    this.#double.alter = (found, _version, body, clientId) =>
      found === api && clientId === 'victim' && left-- > 0 ? alteration.apply(body) : undefined;
    const victim = await this.#living();
    const ended = await victim.call(call, call in questions ? questionMs : lifeMs);
    this.#double.alter = () => undefined;
    const wrong = ended.wrong ?? (await this.#afterwards(call, api));
    if (!wrong) return;
    this.findings.push({ where, what: wrong });
    this.#options.say?.(`FOUND ${where}: ${wrong}`);
    await this.#victim?.end();
    this.#victim = undefined;
  }

  /** @returns what is wrong with the calls that follow */
  async #afterwards(call: string, api: number): Promise<string | undefined> {
    const wrong = await this.#plain(call);
    if (!wrong || api !== metadata) return wrong;
    // A wrong address is believed; the way out is another client.
    this.anew += 1;
    await this.#victim?.end();
    this.#victim = undefined;
    return this.#plain(call);
  }

  /** Calls until it gets its answer. @returns what is wrong when it gets none */
  async #plain(call: string): Promise<string | undefined> {
    const deadline = performance.now() + recoveryMs;
    for (;;) {
      const { wrong, failure } = await (await this.#living()).call(call, lifeMs);
      if (wrong) return `afterwards: ${wrong}`;
      if (!failure) return undefined;
      if (performance.now() > deadline) return `afterwards it fails on: ${failure}`;
    }
  }

  async #living(): Promise<Victim> {
    this.#victim ??= await Victim.start(this.#double.address);
    return this.#victim;
  }
}

/** Some of a list, each at most once. */
function chosen<T>(all: readonly T[], count: number, random: Random): T[] {
  if (count >= all.length) return [...all];
  return all
    .map((each) => ({ each, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ each }) => each);
}

interface Ended {
  /** The error that the call got. */
  readonly failure?: string | undefined;
  /** The process ended, or the call did not. */
  readonly wrong?: string | undefined;
}

class Victim {
  readonly #process: ChildProcess;
  #errors = '';

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.stderr?.on('data', (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-2_000);
    });
  }

  static async start(brokers: string): Promise<Victim> {
    const env = { ...process.env, UV_THREADPOOL_SIZE: poolThreads };
    const child = fork(join(import.meta.dirname, 'victim.js'), [brokers], { silent: true, env });
    const victim = new Victim(child);
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the process did not start: ${victim.#errors}`);
    return victim;
  }

  call(call: string, limitMs: number): Promise<Ended> {
    return new Promise((resolve) => {
      const settle = (ended: Ended): void => {
        clearTimeout(limit);
        this.#process.off('message', answered).off('exit', gone);
        resolve(ended);
      };
      const answered = (message: unknown): void =>
        settle({ failure: (message as { failure: string | null }).failure ?? undefined });
      const gone = (code: number | null, signal: string | null): void =>
        settle({ wrong: `the process ended with ${signal ?? code}: ${this.#errors.trim()}` });
      const limit = setTimeout(() => settle({ wrong: `no end within ${limitMs} ms` }), limitMs);
      this.#process.once('message', answered).once('exit', gone);
      this.#process.send({ call });
    });
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
