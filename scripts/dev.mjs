// Compiles at every change and restarts the gateway if that succeeded: `npm run dev -- --port 7000`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

const root = dirname(import.meta.dirname);
// A process group of its own: tsc is a launcher with a child.
const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', root, '--watch', '--preserveWatchOutput'];
const tsc = spawn(process.execPath, compiler, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
let gateway;
let ending = false;
let restarting = Promise.resolve();

createInterface({ input: tsc.stdout }).on('line', (line) => {
  console.error(line);
  if (line.includes('Found 0 errors')) restarting = restarting.then(restart);
});
// A terminal's Ctrl-C reaches the gateway by itself; a second signal would cut its shutdown short.
process.on('SIGINT', end);
process.on('SIGTERM', () => {
  gateway?.kill('SIGTERM');
  end();
});

async function restart() {
  if (gateway?.exitCode === null && gateway.signalCode === null) {
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
  }
  if (!ending) gateway = spawn(join(root, 'bin/rafka'), process.argv.slice(2), { stdio: 'inherit' });
}

function end() {
  if (ending) return;
  ending = true;
  process.kill(-tsc.pid);
}
