// The steps that every program of test/compat/clients takes, and how it reports them: `ok STEP detail` or `no STEP reason`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [portText, name, library] = process.argv.slice(2);
export const port = Number(portText);
export { library, name };

/** The key of a topic of this program, with the shape of its reply. */
export const key = (topic, reply) => `topics:${name}-${topic}${reply ? `:{"rafka.reply":"${reply}"}` : ''}`;

/** @param got shown when the two are not the same */
export function expect(wanted, got) {
  const same = JSON.stringify(wanted) === JSON.stringify(got);
  if (!same) throw new Error(`got ${JSON.stringify(got)} for ${JSON.stringify(wanted)}`);
}

/** `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it. */
export function position(reply) {
  if (reply?.length !== 8 || String(reply[7]) !== 'hello') throw new Error(`got ${JSON.stringify(reply)}`);
  return [reply[1], reply[3], reply[5]].join(':');
}

export async function take(step, run) {
  try {
    const detail = await run();
    console.log(`ok ${step} ${typeof detail === 'string' ? detail : ''}`.trimEnd());
  } catch (error) {
    console.log(`no ${step} ${String(error).split('\n')[0]}`);
  }
}

/** Tries until it answers; its connection was killed before. */
export async function answersAgain(ping) {
  for (let errors = 0; errors < 20; errors++) {
    try {
      await ping();
      return `${errors} errors`;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('stays disconnected');
}

/** What a promise does in time. */
export const within = (ms, promise) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(() => reject(new Error(`nothing in ${ms} ms`)), ms))]);

export function version(module) {
  let folder = createRequire(import.meta.url).resolve(module);
  for (;;) {
    folder = folder.slice(0, folder.lastIndexOf('/'));
    try {
      const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
      if (manifest.version) return manifest.version;
    } catch {
      // A folder of the package without a manifest: the one above has it.
    }
  }
}
