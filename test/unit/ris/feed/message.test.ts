// What becomes of a line: times to the microsecond, all message types of all generations, control messages, and refusals by reason.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { envelopeOf } from '../../../../src/ris/feed/envelope.js';
import { parseLine, type RisMessage } from '../../../../src/ris/feed/message.js';
import { risLine } from '../../../support/ris-lines.js';

const peer = { peer: '192.0.2.1', peer_asn: '64500' };

function message(line: string): RisMessage {
  const read = parseLine(line);
  assert.ok(read.kind === 'message', JSON.stringify(read));
  return read.message;
}

const timeOf = (text: string): [number, number] => {
  const { seconds, micros } = message(risLine(peer, text));
  return [seconds, micros];
};

describe('RIS Live lines', () => {
  test('time is exact, and rounded below the microsecond', () => {
    assert.deepEqual(timeOf('1789019601.67'), [1789019601, 670_000]);
    assert.deepEqual(timeOf('1640553894.84'), [1640553894, 840_000]);
    assert.deepEqual(timeOf('1789019601'), [1789019601, 0]);
    assert.deepEqual(timeOf('1.000001'), [1, 1]);
    assert.deepEqual(timeOf('1789019601.1234565'), [1789019601, 123_456]);
    assert.deepEqual(timeOf('1789019601.1234575'), [1789019601, 123_458]);
    assert.deepEqual(timeOf('1789019601.12345650001'), [1789019601, 123_457]);
    assert.deepEqual(timeOf('1789019601.9999999'), [1789019602, 0]);
    assert.deepEqual(timeOf('1.78901960167e9'), [1789019601, 670_000]);
    assert.deepEqual(timeOf(' 7.5 '), [7, 500_000]);
  });

  test('every time with six digits comes back', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(999_999), (seconds, micros) => {
        const text = `${seconds}.${String(micros).padStart(6, '0')}`;
        assert.deepEqual(timeOf(text), [seconds, micros]);
      }),
    );
  });

  test('a timestamp inside another field is not the message’s', () => {
    const data = JSON.stringify({ x: { timestamp: 5 }, y: '"timestamp":6', ...peer, type: 'KEEPALIVE', host: 'rrc00' });
    const line = `{"type":"ris_message","data":${data.slice(0, -1)},"timestamp":1700000000.25}}`;
    const { seconds, micros } = message(line);
    assert.deepEqual([seconds, micros], [1_700_000_000, 250_000]);
    const peeked = envelopeOf(line);
    assert.ok(peeked.kind === 'line');
    assert.deepEqual(parseLine(line, { ...peeked, seconds: 5, micros: 0 }), parseLine(line));
  });

  test('collector, peer and sequence', () => {
    const read = message(risLine({ ...peer, host: 'RRC21.ripe.net' }, '1789019601.67', '192.0.2.1-01a089e0bb06000a'));
    assert.deepEqual(
      [read.collector, read.peerKey, read.peerAsn, read.sequence],
      ['rrc21', 'rrc21 192.0.2.1', 64_500, 10],
    );
    for (const old of ['21-594-37970252', '192.0.2.1-1553625034.06-3003976', 'x']) {
      assert.equal(message(risLine(peer, '1.5', old)).sequence, 0);
    }
  });

  test('state messages of both names', () => {
    for (const [type, state, want] of [
      ['STATE', 'connected', 'connected'],
      ['RIS_PEER_STATE', 'up', 'up'],
      ['RIS_PEER_STATE', 'down', 'down'],
    ]) {
      const read = message(risLine({ ...peer, type, state }));
      assert.ok(read.type === 'STATE');
      assert.equal(read.state, want);
    }
  });

  test('control messages, whatever their data', () => {
    for (const line of [
      '{"type":"ris_error","data":{"message":"client too slow"}}',
      '{"type":"ris_rrc_list","data":["rrc00.ripe.net"]}',
      '{"type":"pong"}',
      '{"type":"pong","data":null}',
      '{"type":"ris_subscribe_ok","data":{"subscription":{}}}',
    ]) {
      assert.equal(parseLine(line).kind, 'control', line);
      assert.equal(envelopeOf(line).kind, 'control', line);
    }
  });

  test('what is refused, and why', () => {
    const announce = (next_hop: unknown, prefixes: unknown) => ({ ...peer, announcements: [{ next_hop, prefixes }] });
    const cases: [string, string][] = [
      ['', 'json'],
      ['not json', 'json'],
      ['[]', 'envelope'],
      ['null', 'envelope'],
      ['{"type":"new"}', 'envelope'],
      ['{"type":"ris_message","data":[]}', 'envelope'],
      [risLine(peer, '-1'), 'timestamp'],
      [risLine(peer, '4294967296'), 'timestamp'],
      [risLine(peer, '"1"'), 'timestamp'],
      [risLine({ ...peer, peer: 'rrc' }), 'peer'],
      [risLine({ ...peer, peer_asn: 'x' }), 'peer-asn'],
      [risLine({ ...peer, peer_asn: '' }), 'peer-asn'],
      [risLine({ ...peer, peer_asn: [] }), 'peer-asn'],
      [risLine({ ...peer, peer_asn: '4294967296' }), 'peer-asn'],
      [risLine({ ...peer, host: 'a/b' }), 'host'],
      [risLine({ ...peer, type: 'SOMETHING_NEW' }), 'type'],
      [risLine({ ...peer, path: [1, '2'] }), 'path'],
      [risLine({ ...peer, path: [1, []] }), 'path'],
      [risLine({ ...peer, path: [-1] }), 'path'],
      [risLine({ ...peer, community: [[1, 65_536]] }), 'community'],
      [risLine({ ...peer, med: 'high' }), 'med'],
      [risLine({ ...peer, med: 1.5 }), 'med'],
      [risLine(announce(1, [])), 'next-hop'],
      [risLine(announce('192.0.2.1', 1)), 'announcements'],
      [risLine({ ...peer, withdrawals: 'all' }), 'withdrawals'],
      [risLine({ ...peer, type: 'STATE', state: 'unsure' }), 'state'],
      [risLine({ ...peer, type: 'OPEN' }), 'open'],
      [risLine({ ...peer, type: 'NOTIFICATION', notification: { code: 300, subcode: 0 } }), 'notification'],
    ];
    for (const [line, reason] of cases) assert.deepEqual(parseLine(line), { kind: 'malformed', reason }, line);
  });

  test('a peek knows the place that parsing finds', () => {
    const keys = fc.shuffledSubarray(['peer', 'peer_asn', 'id', 'host', 'type'], { minLength: 5 });
    fc.assert(
      fc.property(keys, fc.nat(999), fc.ipV6(), (order, ms, address) => {
        const id = `${address}-01a089e0bb06${ms.toString(16).padStart(4, '0')}`;
        const all: Record<string, string> = { ...peer, peer: address, id, host: 'rrc03.ripe.net', type: 'KEEPALIVE' };
        const line = risLine(Object.fromEntries(order.map((key) => [key, all[key]])), `1789019601.${ms}`, id);
        const peeked = envelopeOf(line);
        assert.ok(peeked.kind === 'line');
        const { peerKey, seconds, micros, sequence } = message(line);
        assert.deepEqual({ ...peeked }, { kind: 'line', line, peerKey, id, seconds, micros, sequence });
        assert.deepEqual(parseLine(line, peeked), parseLine(line));
      }),
    );
    assert.equal(envelopeOf('{"type":"ris_message","data":{"timestamp":1}}').kind, 'malformed');
  });
});
