// `rafka ris` as a process on a real broker: a checkpoint topic that is not compacted, and lines whose JSON or order is odd.
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { KafkaFactory, Message } from '../../src/core/ports.js';
import { readBmp, readUpdate } from '../support/bmp-reader.js';
import { freePort } from '../support/gateway.js';
import { KafkaServer, kafkaTool, whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { makeTopic, openKafka } from '../support/relay-clusters.js';
import { headerText, metric, readAll, until } from '../support/relay-lab.js';
import { RelayProcess } from '../support/relay-process.js';
import { risLine } from '../support/ris-lines.js';
import { RisLiveServer } from '../support/ris-live.js';

const host = 'rrc01';
const checkpoint = `rafka.ris.${host}.checkpoint`;
const longEnoughMs = 60_000;
const [routeMonitoring, peerDown, peerUp, initiation] = [0, 2, 3, 4];
const marker = 'FF'.repeat(16);
const bytes = (text: string): string => text.replaceAll(' ', '');

describe('rafka ris on a real broker', { timeout: 240_000 }, () => {
  let kafka: KafkaServer | undefined;
  let admin: KafkaFactory | undefined;
  let live: RisLiveServer | undefined;
  before(async () => {
    if (whyNoKafka() !== undefined) return;
    kafka = await KafkaServer.start();
    admin = await openKafka(kafka.brokers);
    live = await RisLiveServer.start();
  });
  after(async () => {
    await live?.stop();
    await admin?.close();
    await kafka?.stop();
  });

  /** A worker that leads and receives. */
  async function worker(t: TestContext, args: readonly string[] = []): Promise<RelayProcess> {
    const where = ['--host', host, '--url', live!.url, '--brokers', kafka!.brokers];
    const child = RelayProcess.gateway(['ris', '--no-ha', ...where, ...args]);
    t.after(() => child.kill('SIGKILL'));
    await until('it leads', () => child.line('Leading') !== undefined, longEnoughMs);
    await until('it receives', () => live!.subscribers.length > 0, longEnoughMs);
    return child;
  }

  async function stop(child: RelayProcess): Promise<void> {
    child.kill('SIGTERM');
    assert.equal(await child.exited, 0, child.output);
    await until('it is gone', () => live!.subscribers.length === 0);
  }

  test('a checkpoint topic that is not compacted is reported with the command that mends it', async (t) => {
    if (!met(t, whyNoKafka())) return;
    await makeTopic(admin!, checkpoint, 1, { 'cleanup.policy': 'delete' });
    const first = await worker(t);
    const said = first.line('The checkpoint topic is not compacted');
    assert.deepEqual([said?.topic, said?.policy], [checkpoint, 'delete']);
    await stop(first);
    const [program, ...options] = String(said?.mend).split(' ');
    assert.equal(program, 'kafka-configs.sh');
    await kafkaTool('kafka.admin.ConfigCommand', ['--bootstrap-server', kafka!.brokers, ...options]);
    const second = await worker(t);
    assert.equal(second.line('The checkpoint topic is not compacted'), undefined);
    await stop(second);
  });

  test('a valid raw is enough, sessions have one Peer Up each, and nothing becomes a false End-of-RIB', async (t) => {
    if (!met(t, whyNoKafka())) return;
    const port = await freePort();
    const child = await worker(t, ['--ops-port', String(port)]);
    let time = Date.now() - 1_000;
    let count = 0;
    /** @returns its id */
    const send = (asn: number, data: object, peer = `192.0.2.${asn - 64_500}`): string => {
      const id = `id-${++count}`;
      time += 5;
      live!.send(host, risLine({ peer, peer_asn: String(asn), ...data }, (time / 1_000).toFixed(3), id));
      return id;
    };
    const raw = bytes(`${marker} 002D02 0000 0014 400101 00 400206 0201 0000FBF5 400304C0000201 080A`);
    const announcements = [{ next_hop: '192.0.2.1', prefixes: ['10.0.0.0/8'] }];
    const good = { path: [64_501], origin: 'IGP', announcements, raw };

    // What is odd in the JSON beside a valid raw, and lines without prefix and proof.
    const published = [
      { med: null },
      { community: ['64501:1'] },
      { community: [[64_501, 1, 2]] },
      { community: null, origin: 7 },
      { announcements: [{ prefixes: ['10.0.0.0/8'] }] },
      { path: null },
      { path: undefined },
      { origin: 'iGp' },
    ].map((odd) => send(64_501, { ...good, ...odd }));
    const nothing = [{}, { raw: `${marker}001702000000` }, { raw: 'FF' }].map((data) =>
      send(64_501, { path: [], announcements: [], withdrawals: [], ...data }),
    );
    const endOfRib = send(64_501, { path: [], raw: `${marker}00170200000000` });

    // Both OPENs before `connected`; a peer that goes down and was never up; one peer in two spellings.
    const open = (direction: string) => ({
      type: 'OPEN',
      direction,
      version: 4,
      asn: 64_502,
      hold_time: 90,
      router_id: '10.0.0.2',
      capabilities: {},
    });
    for (const direction of ['sent', 'received']) send(64_502, open(direction));
    send(64_502, { type: 'STATE', state: 'connected' });
    send(64_502, { type: 'STATE', state: 'down' });
    send(64_503, { type: 'STATE', state: 'down' });
    send(64_503, { type: 'STATE', state: 'connected' });
    for (const peer of ['2001:7f8::1', '2001:07F8:0:0::1']) send(64_504, { ...good, path: [64_501] }, peer);
    const last = send(64_505, good);

    const read = async (asn: number): Promise<Message[]> => (await readAll(admin!, `${host}.${asn}.bmp_raw`)).flat();
    const idOf = ({ headers }: Message) => headerText(headers, 'ris-id');
    const types = (records: readonly Message[]) => records.map(({ value }) => value![5]);
    await until('the last one', async () => (await read(64_505)).some((record) => idOf(record) === last), longEnoughMs);
    const first = await read(64_501);
    assert.deepEqual(types(first).slice(0, 2), [initiation, peerUp]);
    assert.deepEqual(first.slice(2).map(idOf), [...published, endOfRib]);
    for (const { value } of first.slice(2, -1)) {
      const { announced } = readUpdate(readBmp(value!).body, 4);
      assert.deepEqual([...announced], [['10.0.0.0/8', '192.0.2.1']]);
    }
    assert.ok(!first.some((record) => nothing.includes(String(idOf(record)))));
    assert.deepEqual(types(await read(64_502)), [initiation, peerUp, peerDown]);
    assert.deepEqual(types(await read(64_503)), []);
    const spelt = await read(64_504);
    assert.deepEqual(types(spelt), [initiation, peerUp, routeMonitoring, routeMonitoring]);
    assert.equal(new Set(spelt.slice(1).map(({ key }) => String(key))).size, 1);
    const wanted = 'med 1, community 3, origin 1, next-hop 1, path 1, no-prefix 3';
    await until(wanted, async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const counted = (name: string, reason: string) => `${reason} ${metric(text, name, { host, reason })}`;
      const odd = ['med', 'community', 'origin', 'next-hop', 'path'];
      const all = odd.map((reason) => counted('rafka_ris_json_odd_total', reason));
      return [...all, counted('rafka_ris_malformed_total', 'no-prefix')].join(', ') === wanted;
    });
    await stop(child);
  });
});
