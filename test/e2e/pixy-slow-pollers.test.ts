// Clients that poll seldom, on a broker that waits for a group's first members as long as Kafka does by default.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { whyNoKafka } from '../support/kafka-server.js';
import { met } from '../support/needs.js';
import { type Pixy, type PixyKafka, startPixy, startPixyKafka, until } from '../support/pixy-lab.js';

const why = whyNoKafka();

describe("slow pollers, with Kafka's default of group.initial.rebalance.delay.ms", { timeout: 120_000 }, () => {
  let kafka: PixyKafka;
  const started: Pixy[] = [];
  before(async () => {
    if (!why) kafka = await startPixyKafka({ 'group.initial.rebalance.delay.ms': '3000' });
  });
  after(async () => {
    await Promise.all(started.map((each) => each.stop()));
    await kafka?.stop();
  });
  const start = async (consumer: Record<string, unknown>): Promise<Pixy> => {
    const made = await startPixy(kafka.server.brokers, { consumer });
    started.push(made);
    return made;
  };
  const membersOf = async (group: string) => (await kafka.admin.describeGroups([group]))[0]?.members.length;

  it('who polls less often than the subscription lasts gets a message each time', async (t) => {
    if (!met(t, why)) return;
    const pixy = await start({ long_polling_timeout: '1s', subscription_timeout: '500ms' });
    for (const value of ['one', 'two']) await pixy.put('test.1', value);
    for (const value of ['one', 'two']) {
      const { status, json } = await pixy.poll('test.1', 'seldom');
      assert.deepEqual([status, json.value], [200, Buffer.from(value).toString('base64')]);
      await until(
        () => membersOf('seldom'),
        (members) => members === 0,
      );
    }
  });

  it('/consumers during a rebalance: the members as they were', async (t) => {
    if (!met(t, why)) return;
    const [first, second] = [await start({}), await start({})];
    await first.put('test.4', 'x');
    await first.poll('test.4', 'shared');
    const seen = new Set<string>();
    const polled = second.poll('test.4', 'shared');
    await until(
      async () => {
        const { status, json, text } = await first.ask('/topics/test.4/consumers?group=shared');
        assert.equal(status, 200, text);
        const members: number[][] = Object.values(json.shared);
        seen.add(members.map(({ length }) => length).join());
        return members.length;
      },
      (members) => members === 2,
    );
    assert.deepEqual([...seen], ['4', '2,2']);
    await polled;
  });
});
