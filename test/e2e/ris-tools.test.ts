// `rafka ris --dry-run` and `rafka bmp decode` as their users run them: files, pipes, a topic of a real Kafka, and what they say of mistakes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { createKafkaFactory } from '../../src/kafka/factory.js';
import { KafkaServer, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { risLine } from '../support/ris-lines.js';

const bin = join(import.meta.dirname, '../../../bin/rafka');

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** With settings in the environment as a worker's container has them. */
const rafka = (...args: string[]): Promise<Outcome> => fed(undefined, ...args);

/** @param input its standard input; absent: none */
function fed(input: Buffer | undefined, ...args: string[]): Promise<Outcome> {
  const env = { ...process.env, RAFKA_RIS_REDIS: 'redis://redis:6379' };
  return new Promise((resolve, reject) => {
    const child = spawn(bin, args, { env, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const text = { out: '', err: '' };
    child.stdout.on('data', (data) => {
      text.out += data;
    });
    child.stderr.on('data', (data) => {
      text.err += data;
    });
    child.on('error', reject).on('close', (code) => resolve({ code, ...text }));
  });
}

const peer = { peer: '192.0.2.1', peer_asn: '64500', path: [64_500], origin: 'IGP' };
const announce = (prefix: string) => ({ ...peer, announcements: [{ next_hop: '192.0.2.1', prefixes: [prefix] }] });
const lines = [
  risLine(announce('10.0.0.0/8'), '1700000000.5', 'one'),
  'not json',
  '{"type":"pong"}',
  risLine(announce('11.0.0.0/8'), '1700000000.25', 'two'),
];

describe('RIS tools', { timeout: 600_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-ris-'));
  const input = join(dir, 'in.jsonl');
  writeFileSync(input, lines.join('\n'));
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('a file is converted in order, the counters are printed, and the result can be read', async () => {
    const output = join(dir, 'out.tsv');
    const { code, out } = await rafka('ris', '--dry-run', '--input', input, '--output', output);
    assert.equal(code, 0);
    const report = JSON.parse(out);
    assert.deepEqual([report.lines, report.control, report.malformed, report.encoder.records], [4, 1, { json: 1 }, 4]);
    const ids = readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t')[0]);
    assert.deepEqual(ids, ['-', '-', 'two', 'one']);
    const decoded = await rafka('bmp', 'decode', output);
    assert.equal(decoded.code, 0);
    assert.match(
      decoded.out,
      /route monitoring {2}192\.0\.2\.1 AS64500 {2}\[two\]\n {2}path 64500\n {2}origin IGP\n {2}\+ 11/,
    );
  });

  test('bmp decode reads what a dry run writes as a capture, from a file and from standard input', async () => {
    const output = join(dir, 'out.pcap');
    assert.equal((await rafka('ris', '--dry-run', '--input', input, '--output', output)).code, 0);
    const file = await rafka('bmp', 'decode', output);
    assert.equal(file.code, 0, file.err);
    assert.match(file.out, /peer up.*\n.*route monitoring {2}192\.0\.2\.1 AS64500/s);
    const piped = await fed(readFileSync(output), 'bmp', 'decode', '-');
    assert.deepEqual([piped.code, piped.out], [0, file.out]);
  });

  test('the settings that shape records shape a conversion: topics, framing, the window, what is late', async () => {
    const output = join(dir, 'shaped.tsv');
    const convert = async (...flags: string[]) => {
      const { code, out, err } = await rafka('ris', '--dry-run', '--input', input, '--output', output, ...flags);
      assert.equal(code, 0, err);
      const rows = readFileSync(output, 'utf8').trimEnd().split('\n');
      const values = rows.map((row) => row.split('\t')[1]!);
      return { report: JSON.parse(out), rows, values, ids: rows.map((row) => row.split('\t')[0]) };
    };
    const bare = await convert();
    const wrapped = await convert('--framing', 'obmp');
    assert.ok(wrapped.values.every((value) => value.startsWith(Buffer.from('OBMP').toString('hex'))));
    assert.deepEqual(
      wrapped.values.map((value, i) => value.endsWith(bare.values[i]!)),
      bare.values.map(() => true),
      'the same messages behind the header',
    );
    const initiations = (values: readonly string[]) => values.filter((value) => value.slice(10, 12) === '04').length;
    writeFileSync(
      input,
      [...lines, risLine({ ...announce('12.0.0.0/8'), peer_asn: '64501' }, '1700000001', 'three')].join('\n'),
    );
    try {
      assert.equal(initiations((await convert()).values), 2, 'a topic for each AS, each with its Initiation');
      assert.equal(initiations((await convert('--topic', '<collector>.all', '--key', 'none')).values), 1);
      assert.equal(initiations((await convert('--topic', '<collector>.all', '--late', 'publish')).values), 1);
    } finally {
      writeFileSync(input, lines.join('\n'));
    }
    const unordered = await convert('--reorder', '0');
    assert.deepEqual(unordered.ids.slice(-2), ['one', 'two'], 'without a window the late one is published late');
    const dropped = await convert('--reorder', '0', '--late', 'drop');
    assert.deepEqual([dropped.ids.includes('two'), dropped.report.late], [false, 1]);
    assert.equal((await rafka('ris', '--dry-run', '--input', input, '--output', output, '--topic', '<who>')).code, 1);
  });

  test('mistakes are told in a line, with exit code 1 and without leaving files', async () => {
    const output = join(dir, 'never.tsv');
    const cases: [string[], RegExp][] = [
      [['ris', '--dry-run', '--input', join(dir, 'none'), '--output', output], /^rafka: ENOENT.*none/],
      [
        ['ris', '--dry-run', '--input', input, '--output', join(dir, 'never.txt')],
        /^rafka: output .* must end in \.tsv/,
      ],
      [
        ['ris', '--dry-run', '--input', input, '--output', join(dir, 'never.pcap'), '--framing', 'obmp'],
        /^rafka: a \.pcap holds BMP/,
      ],
      [['bmp', 'decode'], /^rafka: bmp decode needs a file, or --topic/],
      [['bmp', 'decode', join(dir, 'none')], /^rafka: ENOENT/],
      [['bmp', 'decode', input], /^rafka: line 1 is neither hex nor/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await rafka(...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(err, message);
      assert.equal(err.trimEnd().split('\n').length, 1, err);
    }
    assert.equal(existsSync(output), false);
  });

  test('a topic of a real Kafka: what is committed, to its end', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const output = join(dir, 'topic.hex');
    await rafka('ris', '--dry-run', '--input', input, '--output', output);
    const values = readFileSync(output, 'utf8').trimEnd().split('\n');
    const server = await KafkaServer.start();
    try {
      const general = { 'bootstrap.servers': server.brokers };
      const kafka = await createKafkaFactory({ general, embedded: false, log: pino({ level: 'silent' }) });
      await kafka.admin.createTopic({ name: 'rrc01.64500.bmp_raw', partitions: 2 });
      const properties = { 'transactional.id': 'test' };
      const producer = await kafka.producer({ reports: 'errors', properties, onReport: () => {} }, 30_000);
      await producer.initTransactions(30_000);
      for (const commits of [true, false]) {
        await producer.beginTransaction();
        for (const hex of values) {
          producer.produce({ topic: 'rrc01.64500.bmp_raw', partition: 1, key: null, value: Buffer.from(hex, 'hex') });
        }
        await producer.flush(30_000);
        if (commits) await producer.commitTransaction(30_000);
        else await producer.abortTransaction(30_000);
      }
      await producer.close(5_000);
      await kafka.close();
      const { code, out } = await rafka('bmp', 'decode', '--topic', 'rrc01.64500.bmp_raw', '--brokers', server.brokers);
      assert.equal(code, 0);
      assert.deepEqual(
        [...out.matchAll(/\[rrc01\.64500\.bmp_raw\/1@(\d+)\]/g)].map(([, offset]) => offset),
        ['0', '1', '2', '3'],
      );
      const unknown = await rafka('bmp', 'decode', '--topic', 'none', '--brokers', server.brokers);
      assert.equal(unknown.code, 1);
      assert.match(unknown.err, /rafka: there is no topic 'none'/);
    } finally {
      await server.stop();
    }
  });
});
