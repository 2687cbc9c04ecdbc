// Sessions: what OPEN, STATE, NOTIFICATION and the first UPDATE of a peer become, and what a checkpoint keeps of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RisEncoder } from '../../../../src/ris/bmp/encoder.js';
import type { BmpRecord } from '../../../../src/ris/bmp/record.js';
import { parseLine } from '../../../../src/ris/feed/message.js';
import { cutBgp, readBmp, readUpdate } from '../../../support/bmp-reader.js';
import { risLine } from '../../../support/ris-lines.js';

const peer = { peer: '192.0.2.1', peer_asn: '64500' };
const hex = (text: string): string => text.replaceAll(' ', '');
const marker = 'FF'.repeat(16);
/** AS 64500, hold 90, id 10.0.0.1; capabilities as given. */
const openRaw = (capabilities: string): string => {
  const parameters = capabilities === '' ? '' : `02${byte(capabilities.length / 2)}${capabilities}`;
  const body = `04FBF4005A0A000001${byte(parameters.length / 2)}${parameters}`;
  return `${marker}${(19 + body.length / 2).toString(16).padStart(4, '0')}01${body}`.toUpperCase();
};
const byte = (value: number): string => value.toString(16).padStart(2, '0');
const fourByte = '41040000FBF4';
const open = (direction: string, raw: string | undefined) => ({
  ...peer,
  type: 'OPEN',
  direction,
  version: 4,
  asn: 64_500,
  hold_time: 90,
  router_id: '10.0.0.1',
  capabilities: { '1': { name: 'multiprotocol', families: ['ipv6/unicast'] }, '65': { asn4: 64_500 }, '2': {} },
  ...(raw === undefined ? {} : { raw }),
});
const state = (value: string) => ({ ...peer, type: 'STATE', state: value });
const notification = (code: number, subcode: number, more: object = {}) => ({
  ...peer,
  type: 'NOTIFICATION',
  notification: { code, subcode, data: '' },
  ...more,
});
const update = {
  ...peer,
  path: [64_500],
  origin: 'IGP',
  announcements: [{ next_hop: '192.0.2.1', prefixes: ['10.0.0.0/8'] }],
};

class Session {
  readonly encoder: RisEncoder;
  #time = 100;

  constructor(encoder = new RisEncoder()) {
    this.encoder = encoder;
  }

  /** One message a second. @returns its records. */
  send(data: object): BmpRecord[] {
    const read = parseLine(risLine(data, `${this.#time++}.5`, `id-${this.#time}`));
    assert.ok(read.kind === 'message');
    return this.encoder.encode(read.message);
  }
}

const names = ['monitoring', 'statistics', 'down', 'up', 'initiation', 'termination'];
const kinds = (records: readonly BmpRecord[]): (string | undefined)[] => records.map(({ value }) => names[value[5]!]);
const upBody = (record: BmpRecord) => {
  const { peer: header, body } = readBmp(record.value);
  const sent = cutBgp(body.subarray(20));
  const received = cutBgp(sent.rest);
  assert.deepEqual([sent.type, received.type], [1, 1]);
  // Wireshark 4.0 takes information TLVs for broken BGP.
  assert.equal(received.rest.length, 0);
  return { header: header!, sent: sent.pdu, received: received.pdu };
};
const tlvs = (bytes: Buffer): [number, string][] =>
  bytes.length === 0
    ? []
    : [
        [bytes.readUInt16BE(0), bytes.toString('utf8', 4, 4 + bytes.readUInt16BE(2))],
        ...tlvs(bytes.subarray(4 + bytes.readUInt16BE(2))),
      ];

describe('peer sessions', () => {
  test('a whole session: both OPENs, connected, routes, down', () => {
    const s = new Session();
    assert.deepEqual(kinds(s.send(open('sent', openRaw(fourByte)))), []);
    assert.deepEqual(kinds(s.send(open('received', openRaw(`${fourByte}0200`)))), []);
    const up = s.send(state('connected'));
    assert.deepEqual(kinds(up), ['initiation', 'up']);
    const { header, sent, received } = upBody(up[1]!);
    assert.equal(sent.toString('hex').toUpperCase(), openRaw(fourByte));
    assert.equal(received.toString('hex').toUpperCase(), openRaw(`${fourByte}0200`));
    assert.deepEqual(
      [
        header.type,
        header.flags,
        header.distinguisher,
        header.address,
        header.asn,
        header.bgpId,
        header.seconds,
        header.micros,
      ],
      [0, 0, '0'.repeat(16), '192.0.2.1', 64_500, '10.0.0.1', 102, 500_000],
    );
    assert.deepEqual(kinds(s.send(update)), ['monitoring']);
    assert.deepEqual(kinds(s.send({ ...peer, type: 'KEEPALIVE' })), []);
    const down = s.send(state('down'));
    assert.deepEqual(kinds(down), ['down']);
    assert.deepEqual([...readBmp(down[0]!.value).body], [4]);
    assert.deepEqual(kinds(s.send(state('down'))), []);
  });

  test('the records say which message they are of, and which are made up', () => {
    const s = new Session();
    const records = s.send(update);
    assert.deepEqual(kinds(records), ['initiation', 'up', 'monitoring']);
    assert.deepEqual(
      records.map(({ risId, synthetic, part }) => [risId, synthetic, part]),
      [
        [null, true, null],
        [null, true, null],
        ['id-101', false, null],
      ],
    );
    for (const { topic, key, timestampMs, collector } of records) {
      assert.deepEqual([topic, key, timestampMs, collector], ['rrc01.64500.bmp_raw', '192.0.2.1', 100_500, 'rrc01']);
    }
    assert.deepEqual(tlvs(readBmp(records[0]!.value).body), [
      [1, 'rafka ris'],
      [2, 'rrc01'],
    ]);
    const split = s.send({ ...update, withdrawals: ['192.0.2.0/24'] });
    assert.deepEqual(
      split.map(({ risId, part }) => [risId, part]),
      [
        ['id-102', '1/2'],
        ['id-102', '2/2'],
      ],
    );
  });

  test('an OPEN that was not seen is made up', () => {
    const s = new Session();
    const large = { ...update, peer_asn: '4200000001' };
    const { received, sent } = upBody(s.send(large)[1]!);
    assert.equal(received.readUInt16BE(20), 23_456);
    assert.ok(received.toString('hex').includes(`4104${(4_200_000_001).toString(16)}`));
    assert.ok(received.toString('hex').includes('010400010001') && received.toString('hex').includes('010400020001'));
    assert.equal(sent.readUInt16BE(20), 12_654);
    // No router has the identifier 0: that is how a made-up OPEN is known.
    assert.deepEqual([received.readUInt32BE(24), sent.readUInt32BE(24)], [0, 0]);
  });

  test('a session without four-byte AS numbers has the A flag, and no capability 65 is made up for it', () => {
    const s = new Session();
    s.send(open('received', openRaw('')));
    assert.equal(upBody(s.send(state('up'))[1]!).header.flags, 0x20);
    const two = new Session();
    const path = '40020602 02 FBF4 FBF5';
    const body = hex(`0000 0011 400101 00 ${path} 400304C0000201 080A`).replace('0011', '0014');
    const raw = `${marker}${(19 + body.length / 2).toString(16).padStart(4, '0')}02${body}`.toUpperCase();
    const records = two.send({ ...update, path: [64_500, 64_501], raw });
    assert.equal(two.encoder.counts.rawMismatch, 0);
    const { header, received } = upBody(records[1]!);
    assert.equal(header.flags, 0x20);
    assert.ok(!received.toString('hex').includes('4104'));
    assert.deepEqual(readUpdate(readBmp(records[2]!.value).body, 2).path, [64_500, 64_501]);
  });

  test('where both sides offered ADD-PATH, the Peer Up shows the collector without it', () => {
    const s = new Session();
    const addPath = '4504 00010103';
    s.send(open('sent', openRaw(hex(fourByte + addPath))));
    s.send(open('received', openRaw(hex(fourByte + addPath))));
    const { sent, received } = upBody(s.send(state('connected'))[1]!);
    assert.equal(sent.toString('hex').toUpperCase(), openRaw(fourByte));
    assert.ok(received.toString('hex').includes('450400010103'));
  });

  test('an OPEN without raw is built from its JSON', () => {
    const s = new Session();
    s.send(open('received', undefined));
    const { received } = upBody(s.send(state('up'))[1]!);
    const capabilities = '020601040002000102020200 02064104 0000fbf4';
    assert.equal(
      received.toString('hex', 19),
      hex(`04fbf4005a0a000001${byte(hex(capabilities).length / 2)}${capabilities}`),
    );
  });

  test('a NOTIFICATION ends the session with the PDU; the state that follows says nothing new', () => {
    const s = new Session();
    s.send(update);
    const raw = `${marker}0017030604ABCD`;
    const [down] = s.send(notification(6, 4, { raw }));
    assert.equal(readBmp(down!.value).body.toString('hex').toUpperCase(), `03${raw}`);
    assert.equal(down!.risId, 'id-102');
    assert.deepEqual(kinds(s.send(state('down'))), []);
    assert.deepEqual(kinds(s.send(update)), ['up', 'monitoring']);
    const [local] = s.send(notification(4, 0, { direction: 'sent', raw: `${marker}0015030400` }));
    assert.equal(readBmp(local!.value).body[0], 1);
  });

  test('a NOTIFICATION without raw is built, in both spellings of its data, and published with the state that follows', () => {
    const data = (code: number, subcode: number, text: string): string => {
      const s = new Session();
      s.send(update);
      assert.deepEqual(s.send(notification(code, subcode, { notification: { code, subcode, data: text } })), []);
      const [down] = s.send(state('down'));
      return cutBgp(readBmp(down!.value).body.subarray(1)).pdu.toString('hex', 19);
    };
    assert.equal(data(6, 2, ''), '0602');
    assert.equal(data(6, 2, '0602'), '0602');
    assert.equal(data(6, 4, '\u0006\u0005'), '06040605');
    assert.equal(data(3, 1, '0301c0ffee'), '0301c0ffee');
  });

  test('a NOTIFICATION that refuses a connection ends no session, but explains the end that follows', () => {
    const s = new Session();
    s.send(update);
    const raw = `${marker}0015030605`;
    assert.deepEqual(kinds(s.send(notification(6, 5, { raw }))), []);
    assert.deepEqual(kinds(s.send(update)), ['monitoring']);
    const [down] = s.send(state('down'));
    assert.equal(readBmp(down!.value).body.toString('hex').toUpperCase(), `03${raw}`);
  });

  test('connected while up is a new session', () => {
    const s = new Session();
    s.send(update);
    s.send(open('sent', openRaw(fourByte)));
    s.send(open('received', openRaw(fourByte)));
    assert.deepEqual(kinds(s.send(update)), ['monitoring']);
    const records = s.send(state('connected'));
    assert.deepEqual(kinds(records), ['down', 'up']);
    assert.deepEqual(
      records.map(({ synthetic }) => synthetic),
      [true, false],
    );
    assert.equal(upBody(records[1]!).received.toString('hex').toUpperCase(), openRaw(fourByte));
  });

  test('connected before the OPENs: Peer Up has those of this connection, and waits for both or for a sign of life', () => {
    const both = new Session();
    both.send(update);
    assert.deepEqual(kinds(both.send(state('connected'))), ['down']);
    assert.deepEqual(kinds(both.send(open('sent', openRaw(fourByte)))), []);
    const [up] = both.send(open('received', openRaw(`${fourByte}0200`)));
    assert.equal(upBody(up!).received.toString('hex').toUpperCase(), openRaw(`${fourByte}0200`));
    assert.deepEqual(kinds(both.send(state('up'))), []);
    for (const sign of [update, { ...peer, type: 'KEEPALIVE' }, state('up')]) {
      const s = new Session();
      assert.deepEqual(kinds(s.send(state('connected'))), []);
      assert.deepEqual(kinds(s.send(open('received', openRaw(fourByte)))), []);
      const records = s.send(sign);
      assert.equal(kinds(records)[1], 'up');
      assert.equal(upBody(records[1]!).received.toString('hex').toUpperCase(), openRaw(fourByte));
    }
  });

  test('a connection that fails has no Peer Down, and leaves no OPENs to the next', () => {
    const s = new Session();
    assert.deepEqual(kinds(s.send(state('down'))), []);
    s.send(open('sent', openRaw(fourByte)));
    s.send(open('received', openRaw('')));
    assert.deepEqual(kinds(s.send(state('down'))), []);
    assert.deepEqual(kinds(s.send(state('connected'))), []);
    const records = s.send(update);
    assert.deepEqual(kinds(records), ['initiation', 'up', 'monitoring']);
    assert.equal(upBody(records[1]!).received.readUInt32BE(24), 0);
  });

  test('up where the end of the last session was not seen is a new one', () => {
    const s = new Session();
    s.send(update);
    assert.deepEqual(kinds(s.send(state('up'))), []);
    s.send(open('sent', openRaw(fourByte)));
    s.send(open('received', openRaw(fourByte)));
    assert.deepEqual(kinds(s.send(state('up'))), ['down', 'up']);
  });

  test('a checkpoint keeps a connection that is not established yet', () => {
    const first = new Session();
    first.send(state('connected'));
    first.send(open('sent', openRaw(fourByte)));
    const encoder = new RisEncoder();
    encoder.peers.restore(JSON.parse(JSON.stringify(first.encoder.peers.snapshot('rrc01'))));
    const s = new Session(encoder);
    assert.deepEqual(kinds(s.send(open('received', openRaw(fourByte)))), ['initiation', 'up']);
  });

  test('an IPv6 address in several spellings is one peer', () => {
    const s = new Session();
    const topics = ['2001:7F8::1', '2001:07f8:0:0:0:0:0:1', '2001:7f8::0.0.0.1', '2001:7f8::1'].map((address) =>
      s.send({ ...update, peer: address }).map(({ key, value }) => [key, names[value[5]!]]),
    );
    assert.deepEqual(topics.flat(), [
      ['2001:7f8::1', 'initiation'],
      ['2001:7f8::1', 'up'],
      ...topics.map(() => ['2001:7f8::1', 'monitoring']),
    ]);
  });

  test('a hole is a Peer Down, and the next message brings the same session up', () => {
    const s = new Session();
    s.send(open('received', openRaw(fourByte)));
    s.send(state('up'));
    const [down] = s.encoder.interrupt('rrc01', 500_000);
    assert.deepEqual([...readBmp(down!.value).body], [2, 0, 0]);
    assert.equal(readBmp(down!.value).peer!.seconds, 500);
    assert.deepEqual(s.encoder.interrupt('rrc01', 500_000), []);
    const records = s.send(update);
    assert.deepEqual(kinds(records), ['up', 'monitoring']);
    assert.equal(upBody(records[0]!).received.toString('hex').toUpperCase(), openRaw(fourByte));
  });

  test('a checkpoint keeps who is up and with which OPENs, as JSON', () => {
    const first = new Session();
    first.send(open('received', openRaw(fourByte)));
    first.send(state('up'));
    first.send({ ...state('down'), peer: '192.0.2.9' });
    const encoder = new RisEncoder();
    encoder.peers.restore(JSON.parse(JSON.stringify(first.encoder.peers.snapshot('rrc01'))));
    assert.deepEqual(encoder.peers.snapshot(), first.encoder.peers.snapshot());
    assert.equal(encoder.peers.up, 1);
    const s = new Session(encoder);
    const records = s.send(update);
    assert.deepEqual(kinds(records), ['initiation', 'monitoring']);
    assert.equal(readBmp(records[1]!.value).peer!.bgpId, '10.0.0.1');
    assert.deepEqual(kinds(s.send({ ...state('down'), peer: '192.0.2.9' })), []);
  });

  test('a term opens every topic once, and ends each', () => {
    const s = new Session();
    assert.deepEqual(
      s.encoder.beginTerm('rrc01', 5_000).map(({ topic, key }) => [topic, key]),
      [['rrc01.meta.bmp_raw', 'rrc01']],
    );
    s.send(update);
    assert.deepEqual(kinds(s.send(update)), ['monitoring']);
    assert.deepEqual(
      s.encoder.endTerm('rrc01', 6_000).map(({ topic, value }) => [topic, names[value[5]!]]),
      [
        ['rrc01.meta.bmp_raw', 'termination'],
        ['rrc01.64500.bmp_raw', 'termination'],
      ],
    );
    s.encoder.beginTerm('rrc01', 7_000);
    assert.deepEqual(kinds(s.send(update)), ['initiation', 'monitoring']);
  });
});
