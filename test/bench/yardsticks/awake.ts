// Keeps the processors from halting while a benchmark of latency runs.
//
// A virtual processor with nothing to do halts, and waking it takes the host some 30 us: five times what is measured here of one message
// between two processes that wait for each other. A process of the idle class on each, which gives way to everything else at once, is what
// `idle=poll` is to a kernel. It is not free: two processors may be one core's, and what the one does the other lacks. redis-server answered
// fifty connections 86,000 to 134,000 times a second without it and 38,000 to 47,000 times with it: what gets through is measured without.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Ends with the process that it is told of. */
const source = `
#include <signal.h>
#include <stdlib.h>
#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() asm volatile("yield")
#else
#define RELAX() asm volatile("")
#endif
int main(int, char** argv) {
  const pid_t told = atoi(argv[1]);
  while (kill(told, 0) == 0) for (int i = 0; i < 1000000; i++) RELAX();
}
`;

let isAwake = false;

/** Until this process ends. Where it can't be done it is said so: times then hold what it takes to wake a processor. */
export function keepAwake(): void {
  if (isAwake) return;
  isAwake = true;
  const directory = mkdtempSync(join(tmpdir(), 'rafka-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, 'awake');
  let isTold = false;
  const failed = (): void => {
    if (!isTold)
      console.error('bench: g++, taskset or chrt does not run here: times hold what it takes to wake a processor');
    isTold = true;
  };
  const { status } = spawnSync('g++', ['-O2', '-x', 'c++', '-', '-o', program], { input: source });
  if (status !== 0) failed();
  for (let processor = 0; status === 0 && processor < availableParallelism(); processor += 1) {
    const command = ['--cpu-list', String(processor), 'chrt', '--idle', '0', program, String(process.pid)];
    spawn('taskset', command, { stdio: 'ignore' }).on('error', failed).on('exit', failed).unref();
  }
}
