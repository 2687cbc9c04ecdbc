// The command line by itself: help, unknown commands, completions, the manual, and what a terminal sees.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gatewayFlags } from '../../../src/app/flags.js';
import { banner } from '../../../src/cli/banner.js';
import { met, whyNoCommand } from '../../support/needs.js';

const bin = join(import.meta.dirname, '../../../../bin/rafka');

function run(file: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 30_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test('a command that is not there: the nearest one is named', async () => {
  const { code, stderr } = await run(bin, ['relya']);
  assert.equal(code, 1);
  assert.match(stderr, /^rafka: unknown command 'relya': did you mean 'relay'\? They are relay, pixy, ris, /);
});

test('help of a command, nested ones too, with defaults', async () => {
  const ris = await run(bin, ['help', 'ris']);
  assert.equal(ris.code, 0);
  assert.match(ris.stdout, /^Usage: rafka ris \[options\]/);
  assert.match(ris.stdout.replace(/\s+/g, ' '), /\[ris\.reorderMs\] \(default: 500\)/);
  assert.match((await run(bin, ['help', 'bmp', 'decode'])).stdout, /^Usage: rafka bmp decode/);
  assert.match((await run(bin, ['help', 'rsi'])).stderr, /did you mean 'ris'/);
});

describe('completions', () => {
  /** @returns what bash would offer for the last word */
  async function offered(...words: readonly string[]): Promise<string[]> {
    const script = `source <("$0" completion bash)
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rafka; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['-c', script, bin, 'rafka', ...words]);
    return stdout.split('\n').filter((word) => word !== '');
  }

  test('bash offers commands, flags, choices and files', async (t) => {
    if (!met(t, whyNoCommand('bash'))) return;
    assert.deepEqual(await offered('re'), ['relay']);
    assert.deepEqual(await offered('ris', '--timest'), ['--timestamp']);
    assert.deepEqual(await offered('ris', '--timestamp', ''), ['ris', 'produce']);
    assert.deepEqual(await offered('bmp', 'dec'), ['decode']);
    assert.deepEqual(await offered('-c', 'tsconf'), ['tsconfig.json']);
  });

  test('all shells know every flag of the gateway', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await run(bin, ['completion', shell]);
      assert.equal(code, 0);
      for (const { flag } of gatewayFlags) {
        const name = /--([\w-]+)/.exec(flag)![1]!;
        assert.ok(stdout.includes(shell === 'fish' ? ` -l ${name} ` : `--${name}`), `${shell}: ${name}`);
      }
    }
    assert.equal((await run(bin, ['completion', 'tcsh'])).code, 1);
  });
});

test('the manual names every command and flag', async () => {
  const { stdout } = await run(bin, ['man']);
  assert.match(stdout, /^\.TH RAFKA 1 "\d{4}-\d\d-\d\d" "rafka \d/);
  for (const name of ['relay', 'pixy', 'ris', 'health', 'check', 'bmp decode'])
    assert.ok(stdout.includes(`.SS "rafka ${name}"`), name);
  for (const { flag } of gatewayFlags) assert.ok(stdout.includes(`.B "${flag.replaceAll('-', '\\-')}"`), flag);
});

describe('a terminal', () => {
  test('sees addresses, Kafka and three lines to try', () => {
    const text = banner({
      version: '9.9.9',
      node: '24.0.0',
      addresses: [
        ['resp', '127.0.0.1:7000'],
        ['http', '127.0.0.1:7001'],
      ],
      kafka: 'a:9092',
      respPort: 7000,
      isPasswordNeeded: true,
      isColored: false,
    });
    assert.match(text, /^Rafka 9\.9\.9 \(Node 24\.0\.0\)$/m);
    assert.match(text, /^ {2}resp {3}127\.0\.0\.1:7000$/m);
    assert.match(text, /^ {2}Kafka {2}a:9092$/m);
    assert.equal(text.match(/redis-cli -p 7000 --askpass/g)?.length, 3);
  });

  test('gets them and readable lines, a pipe gets JSON alone', async (t) => {
    if (!met(t, whyNoCommand('script'))) return;
    const quoted = `'${bin.replaceAll("'", "'\\''")}' --port 0`;
    const { NO_COLOR: _, ...env } = process.env;
    const child = spawn('script', ['-qefc', quoted, '/dev/null'], { stdio: ['ignore', 'pipe', 'ignore'], env });
    let seen = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      seen += chunk;
      if (/listening/.test(seen) && /Ctrl-C/.test(seen)) child.kill('SIGTERM');
    }
    assert.match(seen, /redis-cli -p \d+ rpushx topics:greetings hello/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what a terminal is sent
    assert.match(seen, /\x1b\[1;31membedded, in memory: nothing is kept when it ends\x1b\[0m/);
    assert.match(seen, /INFO.*listening/);
    assert.ok(!seen.includes('{"level"'), seen);
  });
});
