// Keeps the processors from halting while a benchmark runs.
//
// A virtual processor with nothing to do halts, and waking it takes the host some 30 us: five times what is measured here of one message
// between two processes that wait for each other. A process of the idle class on each, which gives way to everything else at once, is what
// `idle=poll` is to a kernel. It changes what waiting costs, ours and the yardsticks', and no CPU time that is counted.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Ends with the process that it is told of. */
const script = 'while kill -0 "$0" 2>/dev/null; do :; done';

let isTold = false;
function failed(): void {
  if (!isTold)
    console.error('bench: taskset and chrt (util-linux) do not run here: times hold what it takes to wake a processor');
  isTold = true;
}

if (process.env.RAFKA_BENCH_AWAKE === undefined) {
  process.env.RAFKA_BENCH_AWAKE = '1';
  for (let processor = 0; processor < availableParallelism(); processor += 1) {
    const command = ['--cpu-list', String(processor), 'chrt', '--idle', '0', 'sh', '-c', script, String(process.pid)];
    spawn('taskset', command, { stdio: 'ignore' }).on('error', failed).on('exit', failed).unref();
  }
}
