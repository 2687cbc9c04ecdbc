// Finds the job that runs here in the system's list of processes, so that `rafka health` in a container needs no arguments.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../app/config.js';
import { type Job, jobs } from './forms.js';

export interface Running {
  readonly pid: number;
  readonly job: Job;
  /** Its arguments, without the subcommand. */
  readonly args: readonly string[];
}

const program = /(?:^|\/)dist\/main\.js$/;
/** Subcommands that do not serve. */
const passing: readonly string[] = ['worker', 'health', 'check', 'bmp', 'completion', 'man', 'help'];

/**
 * The processes of this program in our network namespace; empty if the system has no /proc.
 * @param self our own process id, which is omitted
 */
export function runningJobs(self: number, proc = '/proc'): Running[] {
  const network = networkOf(proc, String(self));
  return pids(proc).flatMap((pid): Running[] => {
    if (Number(pid) === self || networkOf(proc, pid) !== network) return [];
    const words = read(join(proc, pid, 'cmdline'))
      .split('\0')
      .slice(0, -1);
    const at = words.findIndex((word) => program.test(word));
    if (at < 0) return [];
    const [first = '', ...rest] = words.slice(at + 1);
    if (passing.includes(first)) return [];
    const job = jobs.find((name) => name === first);
    return [
      job ? { pid: Number(pid), job, args: rest } : { pid: Number(pid), job: 'gateway', args: words.slice(at + 1) },
    ];
  });
}

/** What the user has specified about the job. */
export interface Wanted {
  readonly job: Job | undefined;
  readonly files: readonly string[];
  readonly flags: readonly string[];
}

/** The requested job: the named one, otherwise the one that runs. @throws ConfigError if several do */
export function whichJob(
  { job, files, flags }: Wanted,
  self: number,
  proc?: string,
): { job: Job; files: readonly string[]; flags: readonly string[]; pid: number | undefined } {
  const isOpen = job === undefined && files.length === 0 && flags.length === 0;
  const wanted = job ?? (files.length > 0 ? jobOfFile(files[0]) : undefined);
  const found = runningJobs(self, proc).filter((each) => wanted === undefined || each.job === wanted);
  if (!isOpen) return { job: wanted ?? 'gateway', files, flags, pid: found[0]?.pid };
  const [only, other] = found;
  if (other)
    throw new ConfigError(
      `several run here: ${found.map((each) => `${each.job} (${each.pid})`).join(', ')}: say --job and --config`,
    );
  return only
    ? { job: only.job, files: [], flags: only.args, pid: only.pid }
    : { job: 'gateway', files, flags, pid: undefined };
}

/** By the file's format. */
export function jobOfFile(file = ''): Job {
  if (/\.toml$/i.test(file)) return 'relay';
  return /\.ya?ml$/i.test(file) ? 'pixy' : 'gateway';
}

function pids(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Undefined for processes of other users. */
function networkOf(proc: string, pid: string): string | undefined {
  try {
    return readlinkSync(join(proc, pid, 'ns/net'));
  } catch {
    return undefined;
  }
}

/** A process may end while it is examined. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
