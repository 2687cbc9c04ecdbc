// What `rafka bmp decode` prints, and from which files and topics it can read.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { RisEncoder } from '../../../../src/ris/bmp/encoder.js';
import type { EncoderOptions } from '../../../../src/ris/bmp/record.js';
import { parseLine } from '../../../../src/ris/feed/message.js';
import { readBmp } from '../../../../src/ris/tools/bmp-decode.js';
import { printBmp } from '../../../../src/ris/tools/bmp-print.js';
import { bmpFile, bmpTopic } from '../../../../src/ris/tools/bmp-source.js';
import { dryRun } from '../../../../src/ris/tools/dry-run.js';
import { FakeKafka } from '../../../support/fake-kafka.js';
import { risLine, updateData } from '../../../support/ris-lines.js';

const peer = { peer: '192.0.2.1', peer_asn: '64500' };
const update = {
  ...peer,
  path: [64_500, [1, 2]],
  origin: 'IGP',
  med: 0,
  community: [[64_500, 7]],
  aggregator: '64500:192.0.2.9',
  announcements: [{ next_hop: '192.0.2.1', prefixes: ['10.0.0.0/8'] }],
};
const raw = `${'FF'.repeat(16)}0015030604`;
const lines = [
  risLine(update, '1700000000.123456', 'a'),
  risLine({ ...peer, withdrawals: ['2001:db8:0:0:0:0:0:0/32'] }, '1700000001', 'b'),
  risLine({ ...peer, type: 'NOTIFICATION', notification: { code: 6, subcode: 4, data: '' }, raw }, '1700000002', 'c'),
];

function encode(options: Partial<EncoderOptions> = {}): Buffer[] {
  const encoder = new RisEncoder(options);
  return lines.flatMap((line) => {
    const read = parseLine(line);
    assert.ok(read.kind === 'message');
    return encoder.encode(read.message).map(({ value }) => value);
  });
}

const printed = [
  'initiation',
  '  description: rafka ris',
  '  name: rrc01',
  '2023-11-14T22:13:20.123456Z  peer up  192.0.2.1 AS64500',
  '  sent OPEN AS12654 id 0.0.0.0 hold 0; ipv4/unicast, ipv6/unicast, AS 12654',
  '  received OPEN AS64500 id 0.0.0.0 hold 0; ipv4/unicast, ipv6/unicast, AS 64500',
  '2023-11-14T22:13:20.123456Z  route monitoring  192.0.2.1 AS64500',
  '  path 64500 {1 2}',
  '  origin IGP',
  '  med 0',
  '  aggregator 64500:192.0.2.9',
  '  communities 64500:7',
  '  + 10.0.0.0/8 via 192.0.2.1',
  '2023-11-14T22:13:21.000000Z  route monitoring  192.0.2.1 AS64500',
  '  - 2001:db8::/32',
  '2023-11-14T22:13:22.000000Z  peer down  192.0.2.1 AS64500',
  '  the peer closed with a NOTIFICATION',
  '  NOTIFICATION 6/4',
];

describe('bmp decode', () => {
  const dir = mkdtempSync(join(tmpdir(), 'rafka-bmp-'));
  after(() => rmSync(dir, { recursive: true, force: true }));

  const textOf = async (path: string): Promise<string[]> => {
    const out: string[] = [];
    for await (const { value } of bmpFile(path)) out.push(...printBmp(value));
    return out;
  };

  test('prints every kind of message that the worker writes, bare or OpenBMP', () => {
    assert.deepEqual(
      encode().flatMap((value) => printBmp(value)),
      printed,
    );
    assert.deepEqual(
      encode({ framing: 'obmp' }).flatMap((value) => printBmp(value)),
      printed,
    );
  });

  test('reads what a dry run writes, and binary streams', async () => {
    const input = join(dir, 'in.jsonl.gz');
    writeFileSync(input, gzipSync(lines.join('\n')));
    for (const ending of ['tsv', 'hex', 'pcap']) {
      const output = join(dir, `out.${ending}`);
      const report = await dryRun({ input, output });
      assert.deepEqual([report.lines, report.encoder.records], [3, 5]);
      assert.deepEqual(await textOf(output), printed);
    }
    for (const framing of ['bmp', 'obmp'] as const) {
      const path = join(dir, framing);
      writeFileSync(path, Buffer.concat(encode({ framing })));
      assert.deepEqual(await textOf(path), printed);
    }
    const zipped = join(dir, 'bmp.gz');
    writeFileSync(zipped, gzipSync(Buffer.concat(encode())));
    assert.deepEqual(await textOf(zipped), printed);
    await assert.rejects(textOf(join(dir, 'none')), /ENOENT/);
    await assert.rejects(textOf(join(dir, 'none.gz')), /ENOENT/);
  });

  test('reads captures of other programs: Ethernet, big-endian, messages over several segments and several in one', async () => {
    const bytes = Buffer.concat(encode());
    const packets: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 100) packets.push(ethernet(bytes.subarray(at, at + 100), at + 7));
    // One that is sent again, and one without a payload.
    packets.splice(2, 0, packets[1]!, ethernet(Buffer.alloc(0), 107));
    const head = Buffer.alloc(24);
    head.writeUInt32BE(0xa1b2c3d4);
    head.writeUInt32BE(1, 20);
    const path = join(dir, 'other.pcap');
    writeFileSync(path, Buffer.concat([head, ...packets]));
    assert.deepEqual(await textOf(path), printed);
    head.writeUInt32BE(147, 20);
    writeFileSync(path, head);
    await assert.rejects(textOf(path), /link type 147/);
  });

  test('shows segments of a confederation, the families of withdrawals and the type of the peer', () => {
    const path = [
      3, 2, 0, 0, 0xfd, 0xe8, 0, 0, 0xfd, 0xe9, 2, 1, 0, 0, 0, 1, 4, 1, 0, 0, 0xfd, 0xea, 1, 2, 0, 0, 0, 2, 0, 0, 0, 3,
    ];
    const unreach = [0, 1, 2, 16, 10, 1];
    const attributes = [0x40, 2, path.length, ...path, 0x80, 15, unreach.length, ...unreach];
    const body = [0, 2, 8, 10, 0, attributes.length, ...attributes];
    const pdu = Buffer.from([...Array(16).fill(0xff), 0, 19 + body.length, 2, ...body]);
    const shown = (type: number, flags: number) => {
      const peerHead = Buffer.alloc(42);
      peerHead[0] = type;
      peerHead[1] = flags;
      const message = Buffer.concat([Buffer.from([3, 0, 0, 0, 48 + pdu.length, 0]), peerHead, pdu]);
      return printBmp(message);
    };
    assert.deepEqual(shown(0, 0).slice(1), [
      '  path (65000 65001) 1 [65002] {2 3}',
      '  - 10.0.0.0/8',
      '  - ipv4/multicast 10.1.0.0/16',
    ]);
    assert.match(shown(1, 0)[0]!, /0\.0\.0\.0 AS0 \(RD instance\)/);
    assert.match(shown(3, 0x80)[0]!, /0\.0\.0\.0 AS0 \(Loc-RIB\)/, 'its first flag is not that of IPv6');
    assert.match(shown(9, 0)[0]!, /peer type 9/);
  });

  test('a dry run refuses an output whose form it does not know, and a missing input', async () => {
    const input = join(dir, 'in.jsonl.gz');
    await assert.rejects(dryRun({ input, output: join(dir, 'out.txt') }), /must end in/);
    await assert.rejects(dryRun({ input: join(dir, 'none'), output: join(dir, 'out.tsv') }), /ENOENT/);
  });

  test('reads a topic to its end, and says where each message stood', async () => {
    const kafka = new FakeKafka();
    await kafka.admin.createTopic({ name: 'rrc01.64500.bmp_raw', partitions: 2 });
    const producer = await kafka.producer({ reports: 'errors', onReport: () => {} }, 1000);
    for (const value of encode()) {
      producer.produce({ topic: 'rrc01.64500.bmp_raw', partition: 1, key: null, value });
    }
    await producer.flush(1000);
    const options = { topic: 'rrc01.64500.bmp_raw', follow: false, signal: new AbortController().signal };
    const out: string[] = [];
    for await (const { value, from } of bmpTopic(kafka, options)) out.push(...printBmp(value, { from }));
    assert.equal(out.length, printed.length);
    assert.equal(out.at(-3), `${printed.at(-3)}  [rrc01.64500.bmp_raw/1@4]`);
    await assert.rejects(bmpTopic(kafka, { ...options, topic: 'none' }).next(), /no topic 'none'/);
    await producer.close(1000);
    await kafka.close();
  });

  test('whatever the encoder makes of a message can be read', () => {
    fc.assert(
      fc.property(updateData(4), (data) => {
        const read = parseLine(risLine(data));
        assert.ok(read.kind === 'message');
        for (const { value } of new RisEncoder().encode(read.message)) {
          assert.notEqual(readBmp(value).kind, 'malformed');
          assert.ok(printBmp(value).every((line) => !line.includes('\n')));
        }
      }),
    );
  });

  test('damaged and foreign bytes are malformed or something else, never thrown', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)),
      fc.tuple(fc.constantFrom(...encode()), fc.nat(), fc.nat(255)).map(([value, at, octet]) => {
        const copy = Buffer.from(value);
        copy[at % copy.length] = octet;
        return copy;
      }),
      fc
        .tuple(fc.constantFrom(...encode()), fc.nat())
        .map(([value, length]) => value.subarray(0, length % value.length)),
    );
    fc.assert(
      fc.property(bytes, (value) => {
        assert.ok(printBmp(value).length > 0);
      }),
      { numRuns: 2000 },
    );
  });
});

/** A big-endian packet of a capture: Ethernet, IPv4, TCP. */
function ethernet(payload: Buffer, sequence: number): Buffer {
  const ip = Buffer.alloc(40);
  ip[0] = 0x45;
  ip.writeUInt16BE(40 + payload.length, 2);
  ip[9] = 6;
  ip.writeUInt16BE(11_019, 22);
  ip.writeUInt32BE(sequence, 24);
  ip[32] = 0x50;
  // Short frames are padded.
  const frame = Buffer.concat([Buffer.alloc(14), ip, payload, Buffer.alloc(6)]);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(frame.length, 8);
  head.writeUInt32BE(frame.length, 12);
  return Buffer.concat([head, frame]);
}
