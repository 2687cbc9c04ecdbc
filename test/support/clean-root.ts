// A machine that has just been installed: Debian 12 as small as debootstrap makes it, with Node and npm, and nothing to compile with.
// Processes in it share the host's network. Takes root and debootstrap.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { freePort } from './gateway.js';
import { pop } from './redis-client.js';

export const repository = join(import.meta.dirname, '../../..');
/** What such a machine does not have, or a trial in it shows nothing. */
const absent = ['gcc', 'g++', 'make', 'python3', 'node', 'openssl'];
const nobody = 65_534;
/** How long a program may take to begin to stop, ms. */
const stopMs = 30_000;

export const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  version: string;
  nodes: Record<string, { version: string }>;
};
export const majors = Object.keys(manifest.nodes);

const script = (name: string): Promise<unknown> => import(join(repository, 'scripts', name));

interface Started {
  readonly child: ChildProcess;
  /** What it has written so far. */
  output(): string;
}

export class CleanRoot {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @returns why none can be made here; undefined: it can */
  static obstacle(): string | undefined {
    const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
    const isThere = folders.some((folder) => existsSync(join(folder, 'debootstrap')));
    return process.getuid?.() === 0 && isThere ? undefined : 'takes root and debootstrap (apt-get install debootstrap)';
  }

  /**
   * @param base a root that debootstrap made before; absent: it makes one, from RAFKA_DEBIAN_MIRROR or Debian's own
   * @throws Error when it cannot
   */
  static async make(base?: string): Promise<CleanRoot> {
    const root = new CleanRoot(join(mkdtempSync(join(tmpdir(), 'rafka-root-')), 'root'));
    try {
      if (base !== undefined) execFileSync('cp', ['-a', base, root.folder]);
      else debootstrap(root.folder);
      for (const name of absent)
        for (const folder of ['bin', 'usr/bin', 'usr/local/bin'])
          assert.ok(!existsSync(join(root.folder, folder, name)), `the clean root has ${name}`);
      await root.#addNodes();
      // Where Node looks for its own path.
      execFileSync('mount', ['-t', 'proc', 'proc', join(root.folder, 'proc')]);
    } catch (error) {
      root.remove();
      throw error;
    }
    return root;
  }

  /** Everything that was started in it has ended. */
  remove(): void {
    if (existsSync(join(this.folder, 'proc/self'))) execFileSync('umount', [join(this.folder, 'proc')]);
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }

  /** Runs a command to its end. @throws Error with its output when it fails */
  run(major: string, command: readonly string[], { user = 0, cwd = '/' } = {}): string {
    const [program, ...args] = this.#command(command, user, cwd);
    return execFileSync(program!, args, { env: this.#environment(major), encoding: 'utf8', stdio: 'pipe' });
  }

  start(major: string, command: readonly string[], { cwd = '/', env = {} } = {}): Started {
    const [program, ...args] = this.#command(command, 0, cwd);
    const child = spawn(program!, args, {
      env: { ...this.#environment(major), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    return { child, output: () => output };
  }

  /**
   * Starts the gateway on its embedded Kafka, and takes a message through it.
   * @param command gets `--port <port>` besides
   * @returns what it wrote
   */
  async serves(major: string, command: readonly string[], startMs: number, options = {}): Promise<string> {
    const port = await freePort();
    const { child, output } = this.start(major, [...command, '--port', String(port)], options);
    const client = new Redis({ port, lazyConnect: true, retryStrategy: () => 200, maxRetriesPerRequest: null });
    client.on('error', () => {});
    const exited = once(child, 'exit');
    try {
      await Promise.race([
        client.ping(),
        exited.then(([code]) => assert.fail(`${command.join(' ')} ended with ${code} on Node ${major}:\n${output()}`)),
        eventually(startMs, async () => client.status === 'ready').catch(() => assert.fail(`no answer: ${output()}`)),
      ]);
      await client.call('CLIENT', 'SETNAME', 'g:c');
      assert.equal(await client.call('RPUSHX', 'topics:tried', 'hello'), 1);
      assert.equal(await client.call('DUMP', '20000'), 0);
      assert.equal((await pop(client, 'topics:tried', 30))?.value, 'hello');
      const info = String(await client.call('INFO', 'server'));
      const { version = '' } = manifest.nodes[major] ?? {};
      assert.ok(info.includes(`node_version:${version}\r`), info);
      console.log(
        `ok  ${command.join(' ')}  Node ${version}  librdkafka ${/librdkafka_version:(\S+)/.exec(info)?.[1]}`,
      );
      return output();
    } finally {
      client.disconnect();
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), stopMs);
      await exited;
      clearTimeout(late);
    }
  }

  /** Each Node's program in /opt/node-<major>, npm in /opt/npm. */
  async #addNodes(): Promise<void> {
    const { fetchNode } = (await script('node.mjs')) as { fetchNode: (major: string, say: () => void) => string };
    const { findNpm } = (await script('registry.mjs')) as { findNpm: (file: string) => string };
    for (const major of majors) {
      mkdirSync(join(this.folder, `opt/node-${major}`));
      cpSync(
        join(
          fetchNode(major, () => {}),
          'bin/node',
        ),
        join(this.folder, `opt/node-${major}/node`),
      );
    }
    const npm = dirname(dirname(findNpm('bin/npm-cli.js')));
    cpSync(npm, join(this.folder, 'opt/npm'), { recursive: true, dereference: true });
    symlinkSync('/opt/npm/bin/npm-cli.js', join(this.folder, 'usr/local/bin/npm'));
    const { NODE_EXTRA_CA_CERTS: authorities } = process.env;
    if (authorities) cpSync(authorities, join(this.folder, 'etc/authorities.pem'), { dereference: true });
  }

  #command(command: readonly string[], user: number, cwd: string): string[] {
    const inside = ['/bin/sh', '-c', 'cd "$0" && exec "$@"', cwd, ...command];
    return ['/usr/sbin/chroot', `--userspec=${user}:${user}`, this.folder, ...inside];
  }

  #environment(major: string): NodeJS.ProcessEnv {
    const { NODE_EXTRA_CA_CERTS: authorities, http_proxy, https_proxy, npm_config_registry } = process.env;
    const path = `/opt/node-${major}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    return {
      PATH: path,
      HOME: '/root',
      // How this machine reaches the registry.
      ...(authorities ? { NODE_EXTRA_CA_CERTS: '/etc/authorities.pem' } : {}),
      ...(http_proxy ? { http_proxy } : {}),
      ...(https_proxy ? { https_proxy } : {}),
      ...(npm_config_registry ? { npm_config_registry } : {}),
    };
  }
}

export const unprivileged = { user: nobody } as const;

function debootstrap(folder: string): void {
  const mirror = process.env.RAFKA_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';
  // Node needs them, and brings none: Node 26 the latter.
  const args = ['--variant=minbase', '--include=libstdc++6,libatomic1', 'bookworm', folder, mirror];
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  execFileSync('debootstrap', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
}
