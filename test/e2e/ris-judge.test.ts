// Every recorded RIS stream, converted with and without its raw PDUs, judged by tshark and bgpkit (and gobgp with RAFKA_JUDGE_GOBGP=1).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { dryRun } from '../../src/ris/tools/dry-run.js';
import { buildJudge, type Decoder, judge, type Verdict } from '../support/bmp-judge.js';
import { met, sharedDir, whyNoCommand, whyNoShared } from '../support/needs.js';

const data = join(sharedDir, 'data/ris');
const whyNoData = whyNoShared('data/ris') ?? whyNoShared('tools/bmp-judge');
const run = promisify(execFile);
const fields = ['-e', 'bmp.type', '-e', '_ws.col.Protocol', '-e', '_ws.malformed'];
const withGobgp = process.env.RAFKA_JUDGE_GOBGP === '1';
const decoders: readonly Decoder[] = withGobgp ? ['tshark', 'bgpkit', 'gobgp'] : ['tshark', 'bgpkit'];

/** UPDATEs without a prefix, of the streams that have some. */
const endsOfRib: ReadonlyMap<string, number> = new Map([
  ['mrt_2017_bird4.jsonl', 2],
  ['mrt_2017_bird6.jsonl', 2],
]);

describe('RIS bytes, judged', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-judge-'));
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('every UPDATE of every stream is right in every field, with raw and without', async (t) => {
    // The streams are not part of the repository: without them there is nothing to judge, whatever is required.
    if (whyNoData !== undefined) return t.skip(whyNoData);
    for (const command of ['tshark', 'cargo', 'python3']) if (!met(t, whyNoCommand(command))) return;
    const folder = await buildJudge(withGobgp);
    for (const file of readdirSync(data).filter(
      (name) => /\.jsonl(\.gz)?$/.test(name) && !name.startsWith('control'),
    )) {
      for (const kind of ['with raw', 'without'] as const) {
        const name = `${basename(file).split('.')[0]} ${kind}`;
        await t.test(name, async () => {
          const ris = join(dir, `${name}.jsonl`);
          const bmp = join(dir, `${name}.tsv`);
          writeFileSync(ris, linesOf(file, kind === 'with raw'));
          const report = await dryRun({ input: ris, output: bmp });
          // End-of-RIB without raw: nothing in the JSON tells it from a withdrawal of another kind, so nothing is published.
          const untold = kind === 'with raw' ? 0 : (endsOfRib.get(file) ?? 0);
          assert.deepEqual(report.malformed, untold === 0 ? {} : { 'no-prefix': untold });
          if (kind === 'with raw') assert.equal(report.encoder.rawMismatch, 0);
          const verdict = await judge(folder, { ris, bmp, report: join(dir, 'report.json') }, decoders);
          for (const decoder of decoders) assertRight(verdict, decoder, untold);
        });
      }
    }
  });

  test('tshark finds nothing malformed, in what is made up either', async (t) => {
    if (whyNoData !== undefined) return t.skip(whyNoData);
    if (!met(t, whyNoCommand('tshark'))) return;
    for (const file of ['mrt_2010_as2_rrc05.jsonl.gz', 'mrt_2017_bird4.jsonl', 'mrt_2017_bird6.jsonl']) {
      for (const useRaw of [true, false]) {
        const output = join(dir, `${file}.pcap`);
        const { encoder } = await dryRun({ input: join(data, file), output, encoder: { useRaw } });
        const { stdout } = await run('tshark', ['-r', output, '-d', 'tcp.port==11019,bmp', '-T', 'fields', ...fields]);
        const messages = stdout.trimEnd().split('\n');
        assert.equal(messages.length, encoder.records);
        assert.deepEqual(
          messages.filter((line) => line.includes('malformed')),
          [],
        );
        const ofType = (type: number) => messages.filter((line) => line.startsWith(`${type}\t`)).length;
        const { routeMonitoring, peerUp, peerDown, initiation } = encoder;
        assert.deepEqual([ofType(0), ofType(2), ofType(3), ofType(4)], [routeMonitoring, peerDown, peerUp, initiation]);
      }
    }
  });

  test('control messages are told apart, and malformed lines counted by reason', async (t) => {
    if (whyNoData !== undefined) return t.skip(whyNoData);
    const output = join(dir, 'none.tsv');
    const control = await dryRun({ input: join(data, 'control_messages.jsonl'), output });
    assert.deepEqual([control.lines, control.control, control.encoder.records], [8, 8, 0]);
    const bad = await dryRun({ input: join(data, 'malformed.txt'), output });
    assert.deepEqual(bad.malformed, { json: 2, type: 2, med: 1, 'next-hop': 1 });
    assert.equal(readFileSync(output, 'utf8'), '');
  });
});

function assertRight(verdict: Verdict, decoder: Decoder, untold: number): void {
  const { fields, by_type: types, examples } = verdict.decoders[decoder]!;
  const [, strict = 0, all = 0] = types.UPDATE ?? [];
  assert.ok(all > 0, 'there are UPDATEs');
  assert.equal(strict, all - untold, `${decoder}: ${JSON.stringify(examples).slice(0, 2000)}`);
  const [right, judged] = fields.session ?? [0, 0];
  assert.equal(right, judged, `${decoder}: ${JSON.stringify(examples.session)}`);
}

function linesOf(file: string, withRaw: boolean): string {
  const bytes = readFileSync(join(data, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return withRaw ? text : text.replace(/"raw":"[^"]*",|,"raw":"[^"]*"/g, '');
}
