// The judge of BMP bytes: decodes with third-party programs and compares every field with the RIS JSON.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sharedDir } from './needs.js';

const run = promisify(execFile);

export type Decoder = 'tshark' | 'bgpkit' | 'gobgp';

/** The judge's report: per decoder [right, judged] of each field, and [content, strict, all] of each RIS type. */
export interface Verdict {
  readonly messages: number;
  readonly decoders: Readonly<
    Record<
      string,
      {
        readonly fields: Readonly<Record<string, [number, number]>>;
        readonly by_type: Readonly<Record<string, [number, number, number]>>;
        readonly examples: Readonly<Record<string, readonly unknown[]>>;
      }
    >
  >;
}

/** Copies the judge to the cache and compiles its decoders, once per version of its sources. @returns its folder. */
export async function buildJudge(withGobgp: boolean): Promise<string> {
  const source = join(sharedDir, 'tools/bmp-judge');
  const parent = join(cacheDir(), 'bmp-judge');
  const folder = join(parent, digest(source));
  if (!existsSync(folder)) {
    await mkdir(parent, { recursive: true });
    const copy = mkdtempSync(join(parent, 'new-'));
    cpSync(source, copy, { recursive: true });
    // The source may be read-only, and cargo and go write next to theirs.
    await run('chmod', ['-R', 'u+w', copy]);
    // It runs for seconds: a quick build matters more than fast code.
    const env = { ...process.env, CARGO_PROFILE_RELEASE_OPT_LEVEL: '0', CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16' };
    await run('cargo', ['build', '--release', '--quiet'], { cwd: join(copy, 'bgpkit'), env });
    try {
      renameSync(copy, folder);
    } catch (error) {
      // Another run was quicker.
      rmSync(copy, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  if (withGobgp && !existsSync(join(folder, 'gobgp/gobgp-bmpdec'))) {
    await run('go', ['build', '-o', 'gobgp-bmpdec'], { cwd: join(folder, 'gobgp') });
  }
  return folder;
}

/** Judges `<id><TAB><hex>` lines against the RIS lines they were made from. */
export async function judge(
  folder: string,
  files: { ris: string; bmp: string; report: string },
  decoders: readonly Decoder[],
): Promise<Verdict> {
  const args = [join(folder, 'judge.py'), '--ris', files.ris, '--bmp', files.bmp, '--json', files.report];
  await run('python3', [...args, '--decoder', decoders.join(',')], { maxBuffer: 1 << 24 });
  return JSON.parse(readFileSync(files.report, 'utf8')) as Verdict;
}

function cacheDir(): string {
  return process.env.RAFKA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rafka');
}

function digest(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) hash.update(name).update('\0').update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 16);
}
