// The console of a large cluster: a page asks Kafka for the details of its own rows, however many topics and groups there are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenFaces } from '../../../support/open-listeners.js';
import { askUrl } from '../../../support/pixy-lab.js';

const topicCount = 10_000;
const groupCount = 2_000;

test('10,000 topics and 2,000 groups: the first pages ask for the details of their own rows only', async () => {
  const listeners = await OpenFaces.start({ ops: {} });
  const { kafka } = listeners;
  const { admin } = kafka;
  const name = (index: number): string => `t${String(index).padStart(5, '0')}`;
  for (let index = 0; index < topicCount; index++) kafka.createTopic(name(index), 3);
  for (let index = 0; index < groupCount; index++)
    await admin.commitGroupOffsets(`g${String(index).padStart(4, '0')}`, [
      { topic: name(index), partition: 0, offset: 0, metadata: '' },
    ]);
  /** How many topics, partitions and groups Kafka was asked for, by request; of requests for all: how many requests. */
  const asked: Record<string, number> = {};
  for (const method of ['topics', 'groups', 'edges', 'topicConfigs', 'describeGroups', 'groupOffsets'] as const) {
    const real = admin[method].bind(admin) as (...args: unknown[]) => unknown;
    const counted = (...args: unknown[]): unknown => {
      const names = args.find((arg) => Array.isArray(arg)) as unknown[] | undefined;
      asked[method] = (asked[method] ?? 0) + (names?.length ?? 1);
      return real(...args);
    };
    Object.assign(admin, { [method]: counted });
  }
  const first = async (path: string) => {
    const { json } = await askUrl(`http://127.0.0.1:${listeners.opsPort}/api/v1${path}`);
    const said = { ...asked };
    for (const key of Object.keys(asked)) delete asked[key];
    return { json, said };
  };
  try {
    const page = await first('/topics');
    assert.deepEqual([page.json.rows.length, page.json.total], [50, topicCount]);
    // The list of names is one request; the first and the next offsets of 50 topics of 3 partitions are two.
    assert.deepEqual(page.said, { topics: 1, edges: 300, topicConfigs: 50 });
    const list = await first('/groups');
    assert.deepEqual([list.json.rows.length, list.json.total], [50, groupCount]);
    assert.deepEqual(list.said, { groups: 1, describeGroups: 50 });
    assert.equal(list.json.rows[0].lag, null, 'unknown: 30,000 partitions are not searched for a row');
    const lags = await first('/lags');
    assert.deepEqual([lags.json.looked, lags.json.groups], [200, groupCount]);
    assert.deepEqual(lags.said, { describeGroups: 200 });
  } finally {
    await listeners.stop();
  }
});
