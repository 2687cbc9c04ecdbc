// What the native build needs of the machine: says what is missing, and installs it where apt and the rights are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What the build cannot do without, and the Debian package each comes from. */
const needs = [
  { apt: 'python3', command: 'python3' },
  { apt: 'make', command: 'make' },
  { apt: 'g++', command: 'g++' },
  { apt: 'libssl-dev', header: 'openssl/ssl.h' },
  { apt: 'zlib1g-dev', header: 'zlib.h' },
  { apt: 'libzstd-dev', header: 'zstd.h' },
];

/** How long one call of apt-get may take, ms. */
const aptTimeoutMs = 10 * 60_000;

/**
 * Installs what is missing with apt as root or with sudo that asks for no password.
 * @param {(line: string) => void} say
 * @throws Error naming everything that is missing in one go, and the line that installs it
 */
export function requireTools(say) {
  if (process.platform !== 'linux') throw new Error('Rafka runs on Linux; elsewhere use the Docker image (see README)');
  if (missing().length === 0) return;
  const apt = aptCommand();
  if (apt) {
    const packages = missing();
    say(`the native build lacks ${packages.join(', ')}: installing with ${apt.join(' ')}`);
    const update = runApt([...apt, '-qq', 'update']);
    const install = runApt([...apt, '-qq', 'install', '-y', '--no-install-recommends', ...packages]);
    if (missing().length === 0) return;
    say(`${apt.join(' ')} could not install them: ${install || update}`);
  }
  throw new Error(
    `the native build needs what this machine lacks: ${missing().join(', ')}\n` +
      `  Debian, Ubuntu:  sudo apt-get install -y ${needs.map((need) => need.apt).join(' ')}\n` +
      '  (libsasl2-dev as well if your brokers use Kerberos; PLAIN and SCRAM need nothing more)',
  );
}

/** Debian packages. */
function missing() {
  return needs
    .filter((need) => ('command' in need ? !onPath(need.command) : !headerFound(need.header)))
    .map((need) => need.apt);
}

/** @returns {string[] | undefined} how apt-get is called here; undefined: it isn't there, or the rights are not */
function aptCommand() {
  if (!onPath('apt-get')) return undefined;
  if (process.getuid() === 0) return ['apt-get'];
  const sudo = onPath('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return sudo ? ['sudo', '-n', 'apt-get'] : undefined;
}

/** @returns {string} the last line that apt wrote about an error; empty when it went well */
function runApt([command, ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error, stderr } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: aptTimeoutMs,
  });
  if (status === 0) return '';
  return error?.message ?? stderr.trim().split('\n').at(-1);
}

/** @returns {boolean} whether a program of this name is on the PATH */
export function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => dir !== '' && existsSync(join(dir, command)));
}

function headerFound(header) {
  // Without a compiler nothing can be asked; the list names the compiler and the headers together.
  if (!onPath('g++')) return false;
  const probe = spawnSync('g++', ['-E', '-x', 'c++', '-'], {
    input: `#include <${header}>\n`,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return probe.status === 0;
}
