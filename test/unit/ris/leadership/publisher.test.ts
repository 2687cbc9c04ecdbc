// One term's batches: where the marks of a topic stand that Kafka refused and that is tried again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog } from '../../../../src/ris/feed/backlog.js';
import { envelopeOf, type LineEnvelope } from '../../../../src/ris/feed/envelope.js';
import { Publisher } from '../../../../src/ris/leadership/publisher.js';
import { bmp } from '../../../support/ris-scene.js';

const topic = 'rrc13.64512.bmp_raw';

function update(n: number): LineEnvelope {
  const fields = {
    timestamp: 1_700_000_000 + n,
    peer: '192.0.2.1',
    peer_asn: '64512',
    id: `192.0.2.1-${n}`,
    host: 'rrc13.ripe.net',
    type: 'UPDATE',
    path: [64512],
    origin: 'IGP',
    announcements: [{ next_hop: '192.0.2.1', prefixes: [`10.0.${n}.0/24`] }],
  };
  const line = envelopeOf(JSON.stringify({ type: 'ris_message', data: fields }));
  assert.equal(line.kind, 'line');
  return line as LineEnvelope;
}

test('a topic that is tried again gets its marks first, also when its records wait in a batch that began before', () => {
  let marks: ReadonlySet<string> = new Set();
  const backlog = new Backlog(1 << 20);
  const publisher = new Publisher(
    {
      collector: 'rrc13',
      encoder: { topic: '<collector>.<peer_asn>.bmp_raw' },
      published: { windowUs: 0, late: 'publish' },
      headers: false,
      risTime: true,
      onMalformed: (reason) => assert.fail(reason),
      onOdd: () => {},
      takeMarks: () => {
        const taken = marks;
        marks = new Set();
        return taken;
      },
      now: () => 1_700_000_000_000,
    },
    backlog,
    { mark: null, turn: 0, published: { places: new Map(), ids: new Map() }, states: new Map() },
  );
  const read = () => publisher.read(10, null, () => true);
  const types = () =>
    publisher
      .take(false)
      ?.records.filter((record) => record.topic === topic)
      .map(({ value }) => value?.[5]);
  backlog.push(update(1));
  read();
  assert.deepEqual(types(), [bmp.initiation, bmp.peerUp, bmp.routeMonitoring]);
  backlog.push(update(2));
  read();
  marks = new Set([topic]);
  backlog.push(update(3));
  read();
  assert.deepEqual(types(), [bmp.routeMonitoring, bmp.routeMonitoring]);
  backlog.push(update(4));
  read();
  assert.deepEqual(types(), [bmp.initiation, bmp.peerDown, bmp.peerUp, bmp.routeMonitoring]);
});
