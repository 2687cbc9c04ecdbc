// Runs every conformance script on both protocol versions, and tells which command none of them exercises.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CommandTable } from '../../src/resp/command/command.js';
import * as commands from '../../src/resp/commands/index.js';
import { RespPair } from '../support/resp-pair.js';
import type { Expected, Script, Sent } from './script.js';
import { connection } from './scripts/connection.js';
import { kafka } from './scripts/kafka.js';
import { pubsub } from './scripts/pubsub.js';
import { server } from './scripts/server.js';
import { streams } from './scripts/streams.js';

const groups = { connection, server, kafka, pubsub, streams };
const sources = join(import.meta.dirname, '../../../src/resp/commands');

for (const [group, scripts] of Object.entries(groups)) {
  describe(`conformance: ${group}`, () => {
    for (const script of scripts) {
      for (const protocol of [2, 3] as const) test(`${script.title} (RESP${protocol})`, () => run(script, protocol));
    }
  });
}

describe('conformance: complete', () => {
  test('every command and subcommand is sent by a script', () => {
    const sent = new Set(Object.values(groups).flatMap((scripts) => scripts.flatMap(sentBy)));
    const missing = [...new CommandTable(Object.values(commands)).all()]
      .filter(({ command, fullName }) => !isOtherSuite(fullName) && command.run && !sent.has(fullName))
      .map(({ fullName }) => `no script in test/conformance/scripts sends ${fullName.replace('|', ' ')}`);
    assert.deepEqual(missing, []);
  });

  test('every file of src/resp/commands is exported by its index', () => {
    const index = readFileSync(join(sources, 'index.ts'), 'utf8');
    const missing = readdirSync(sources)
      .filter(
        (file) =>
          file.endsWith('.ts') &&
          file !== 'index.ts' &&
          /^export const \w+ = /m.test(readFileSync(join(sources, file), 'utf8')),
      )
      .map((file) => `from './${file.replace(/\.ts$/, '.js')}';`)
      .filter((line) => !index.includes(line))
      .map((line) => `src/resp/commands/index.ts lacks: export { ... } ${line}`);
    assert.deepEqual(missing, []);
  });
});

/** Stream commands are compared with a real redis-server, pub/sub needs clients that listen. */
const isOtherSuite = (fullName: string): boolean => fullName.startsWith('x') || fullName.includes('subscribe');

async function run(script: Script, protocol: 2 | 3): Promise<void> {
  const pair = await RespPair.start({ settings: script.settings ?? {} });
  try {
    for (const [name, partitions] of Object.entries(script.topics ?? {})) {
      await pair.kafka.admin.createTopic({ name, partitions });
    }
    const client = await pair.client();
    if (script.settings?.requirepass) return await runUnauthenticated(script, pair);
    if (protocol === 3) await client.exchange(['HELLO', '3']);
    for (const [send, expect] of script.steps) check(await client.exchange(send), expect, protocol, send);
  } finally {
    await pair.stop();
  }
}

/** Before AUTH the ECHO that ends an exchange is refused: answers are taken by their length. */
async function runUnauthenticated(script: Script, pair: RespPair): Promise<void> {
  const client = await pair.client();
  for (const [send, expect] of script.steps) {
    client.send(send);
    assert.equal(typeof expect, 'string');
    await client.take(expect as string);
  }
}

function check(got: string, expect: Expected, protocol: 2 | 3, send: Sent): void {
  const wanted = typeof expect === 'string' || expect instanceof RegExp ? expect : expect[`resp${protocol}`];
  const what = `answer to ${JSON.stringify(send).slice(0, 200)}`;
  if (typeof wanted === 'string') assert.equal(got, Buffer.from(wanted).toString('latin1'), what);
  else assert.match(got, wanted, what);
}

function sentBy({ steps }: Script): string[] {
  return steps.flatMap(([send]) => {
    const lines = typeof send === 'string' ? send.split('\r\n').map((line) => line.split(' ')) : [send.map(String)];
    return lines.flatMap(([name = '', sub = '']) => [name.toLowerCase(), `${name}|${sub}`.toLowerCase()]);
  });
}
