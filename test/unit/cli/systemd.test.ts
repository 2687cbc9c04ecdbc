// What systemd is told of the service's state.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { notifySystemd } from '../../../src/cli/systemd.js';
import { eventually } from '../../support/eventually.js';

test('without NOTIFY_SOCKET nothing is run', () => {
  notifySystemd({}, ['--ready'], (reason) => assert.fail(reason));
});

test("systemd's tool gets this process' id and the state; its failure is reported", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rafka-systemd-'));
  const path = process.env.PATH;
  try {
    const [tool, said] = [join(folder, 'systemd-notify'), join(folder, 'said')];
    writeFileSync(tool, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" > ${said}.new; mv ${said}.new ${said}\nexit 3\n`);
    chmodSync(tool, 0o755);
    process.env.PATH = `${folder}${delimiter}${path}`;
    process.env.NOTIFY_SOCKET = '/run/notify';
    const failures: string[] = [];
    notifySystemd(process.env, ['--ready', '--status=serves'], (reason) => failures.push(reason));
    await eventually(10_000, () => existsSync(said) && failures.length > 0);
    assert.equal(readFileSync(said, 'utf8'), `/run/notify --pid=${process.pid} --ready --status=serves\n`);
    assert.deepEqual(failures, ['systemd-notify ended with 3']);
  } finally {
    process.env.PATH = path;
    delete process.env.NOTIFY_SOCKET;
    rmSync(folder, { recursive: true });
  }
});
