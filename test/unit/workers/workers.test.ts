// What several workers are to each other: names, questions, monitors, deaths, the shutdown.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { KafkaError } from '../../../src/core/ports.js';
import { fail, GatewayError } from '../../../src/errors.js';
import { Link } from '../../../src/workers/link.js';
import { ManualClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { Crew } from '../../support/worker-pairs.js';

const crews: Crew[] = [];

afterEach(async () => {
  for (const crew of crews.splice(0)) await crew.end();
});

const started = async (count: number, options: ConstructorParameters<typeof Crew>[1] = {}): Promise<Crew> => {
  const crew = new Crew(count, options);
  crews.push(crew);
  await crew.workers.start();
  return crew;
};
const codeOf = (code: string) => (error: unknown) => error instanceof GatewayError && error.code === code;

describe('names', () => {
  test('one worker at a time has a name; the next gets it when it is given up', async () => {
    const crew = await started(2);
    const [a, b] = [crew.worker(0), crew.worker(1)];
    assert.equal(await a.siblings.claim('k'), true);
    a.held = ['k'];
    assert.equal(await b.siblings.claim('k'), false);
    assert.equal(await b.siblings.claim('other'), true);
    a.siblings.release('k');
    await a.siblings.askAll('status');
    assert.equal(await b.siblings.claim('k'), true);
    assert.equal(await a.siblings.claim('k'), true, 'b does not say that it holds it');
  });

  test('who does not have it does not free it', async () => {
    const crew = await started(2);
    const [a, b] = [crew.worker(0), crew.worker(1)];
    await a.siblings.claim('k');
    a.held = ['k'];
    b.siblings.release('k');
    assert.equal(await b.siblings.claim('k'), false);
  });

  test("a dead worker's names are free", async () => {
    const crew = await started(2);
    const [a, b] = [crew.worker(0), crew.worker(1)];
    await a.siblings.claim('k');
    a.held = ['k'];
    a.die();
    assert.equal(await b.siblings.claim('k'), true);
  });

  test('of two that want a name that was just given up, one gets it', async () => {
    const crew = await started(3);
    await crew.worker(0).siblings.claim('k');
    const got = await Promise.all([crew.worker(1).siblings.claim('k'), crew.worker(2).siblings.claim('k')]);
    assert.deepEqual(got.sort(), [false, true]);
  });
});

describe('questions', () => {
  test('an ack goes to the worker that has the name; its failures come back as they were', async () => {
    const crew = await started(2);
    const [a, b] = [crew.worker(0), crew.worker(1)];
    assert.equal(await b.siblings.askHolder('k', 'ack', 'k', 't', 0, 5), undefined, 'nobody has it');
    await a.siblings.claim('k');
    const asked: unknown[] = [];
    a.onAck = (...args) => asked.push(args) > 0;
    assert.equal(await b.siblings.askHolder('k', 'ack', 'k', 't', 0, 5), true);
    assert.deepEqual(asked, [['k', 't', 0, 5]]);
    a.onAck = () => {
      throw fail('ack-beyond', 5, 't', 0);
    };
    await assert.rejects(b.siblings.askHolder('k', 'ack', 'k', 't', 0, 5), (error: GatewayError) => {
      assert.equal(error.resp, 'CONS offset 5 of t:0 does not exist');
      return true;
    });
    a.onAck = async () => {
      throw new KafkaError({ message: 'no', code: -195, fatal: false, retriable: true, abortable: false });
    };
    await assert.rejects(
      b.siblings.askHolder('k', 'ack', 'k', 't', 0, 5),
      (error) => error instanceof KafkaError && error.code === -195 && error.retriable,
    );
  });

  test('all others are asked, and the primary counts too', async () => {
    const crew = await started(3);
    crew.stats.add('resp.commands', 7);
    for (const worker of crew.alive) worker.counters['resp.commands'] = 10 ** worker.id;
    const answers = await crew.worker(0).siblings.askAll('status');
    const sum = answers.reduce((total, { stats }) => total + stats['resp.commands']!, 0);
    assert.equal(sum, 10 + 100 + 7);
    assert.deepEqual((await crew.worker(1).siblings.askAll('kill', { tests: [] })).sort(), [0, 2]);
  });

  test('one that dies while it is asked is left out', async () => {
    const crew = await started(3);
    const answer = crew.worker(0).siblings.askAll('kill', { tests: [] });
    crew.worker(2).die();
    assert.deepEqual(await answer, [1]);
  });

  test('every question has a deadline', async () => {
    const clock = new ManualClock();
    const link = new Link({ send: () => {}, onBug: () => {}, clock });
    const asked = assert.rejects(link.ask('anything', [], 50), codeOf('peer-silent'));
    await clock.advance(50);
    await asked;
    assert.equal(clock.pending, 0);
  });

  test('what was counted by a worker that died is kept, and can be reset', async () => {
    const clock = new ManualClock();
    const crew = new Crew(2, { clock });
    crews.push(crew);
    const starting = crew.workers.start();
    await clock.advance(1);
    await starting;
    crew.worker(1).counters = { 'resp.commands': 5 };
    await clock.advance(1_000);
    await clock.advance(1);
    crew.worker(1).die();
    await clock.advance(1);
    assert.equal(crew.stats.get('resp.commands'), 5);
    await crew.worker(0).siblings.askAll('resetStats');
    assert.equal(crew.stats.get('resp.commands'), 0);
  });

  test('connections that are passed on go to whoever has the fewest; what the others have is told as they tell it', async () => {
    const crew = await started(3);
    const [a, b, c] = [crew.worker(0), crew.worker(1), crew.worker(2)];
    a.siblings.connections(9);
    b.siblings.connections(4);
    c.siblings.connections(2);
    await a.siblings.askAll('status');
    const handle = { close: () => assert.fail('closed') };
    for (let count = 0; count < 6; count++) assert.equal(a.siblings.passOn(handle), true);
    assert.deepEqual(
      [a, b, c].map(({ accepted }) => accepted.length),
      [0, 2, 4],
    );
    await eventually(5_000, () => b.elsewhere === 15);
    // They refused all but one.
    b.siblings.connections(4);
    c.siblings.connections(3);
    await eventually(5_000, () => a.elsewhere === 7 && b.elsewhere === 12);
    crew.losePrimary();
    await eventually(5_000, () => crew.ended.length === 3);
    assert.equal(a.siblings.passOn(handle), false, 'it stays where it was accepted');
  });

  test('one that passes to itself, for want of others, is told that nothing is elsewhere', async () => {
    const crew = await started(1);
    const worker = crew.worker(0);
    worker.elsewhere = 1;
    worker.siblings.passOn({ close: () => assert.fail('closed') });
    assert.equal(worker.accepted.length, 1);
    await eventually(5_000, () => worker.elsewhere === 0);
  });

  test('each knows how many connections the others have', async () => {
    const crew = await started(3);
    crew.worker(0).siblings.connections(3);
    crew.worker(1).siblings.connections(4);
    await eventually(5_000, () => crew.worker(2).elsewhere === 7 && crew.worker(0).elsewhere === 4);
    crew.worker(1).die();
    await eventually(5_000, () => crew.worker(2).elsewhere === 3);
  });
});

describe('monitors', () => {
  test('lines are sent only while somebody elsewhere watches, and only there', async () => {
    const crew = await started(3);
    const [a, b, c] = [crew.worker(0), crew.worker(1), crew.worker(2)];
    await a.siblings.watch(true);
    assert.deepEqual([a.feeds, b.feeds, c.feeds], [false, true, true]);
    b.siblings.show('+line\r\n');
    await eventually(5_000, () => a.shown.length === 1);
    assert.deepEqual([a.shown, c.shown], [['+line\r\n'], []]);
    await a.siblings.watch(false);
    assert.deepEqual([a.feeds, b.feeds, c.feeds], [false, false, false]);
  });

  test('a watcher that dies is watching no more; one that comes is told', async () => {
    const crew = await started(2);
    await crew.worker(0).siblings.watch(true);
    crew.worker(1).die();
    await eventually(5_000, () => crew.alive.some(({ id, feeds }) => id === 2 && feeds));
    crew.worker(0).die();
    await eventually(5_000, () => !crew.worker(2).feeds);
  });
});

describe('lives', () => {
  test('one that dies is replaced, by a worker with a number of its own', async () => {
    const crew = await started(2);
    crew.worker(0).die();
    await eventually(5_000, () => crew.alive.length === 2);
    assert.deepEqual(crew.alive.map(({ id }) => id).sort(), [1, 2]);
  });

  test('those that die at once wait longer and longer for a replacement', async () => {
    const clock = new ManualClock();
    const crew = new Crew(1, { clock });
    crews.push(crew);
    const starting = crew.workers.start();
    await clock.advance(1);
    await starting;
    for (const [waits, id] of [100, 200, 400].map((ms, index) => [ms, index] as const)) {
      crew.worker(id).die();
      await clock.advance(waits - 2);
      assert.equal(crew.alive.length, 0);
      await eventually(5_000, async () => {
        await clock.advance(1);
        return crew.alive.length === 1;
      });
    }
    await clock.advance(10_000);
    crew.worker(3).die();
    await eventually(5_000, async () => {
      await clock.advance(0);
      return crew.alive.length === 1;
    });
  });

  test('one that hangs gets no more connections; then it is ended and replaced', async () => {
    const clock = new ManualClock();
    const crew = new Crew(2, { clock });
    crews.push(crew);
    const starting = crew.workers.start();
    await clock.advance(1);
    await starting;
    const [works, hangs] = [crew.worker(0), crew.worker(1)];
    await clock.advance(20_000);
    assert.deepEqual(crew.alive, [works, hangs], 'their heartbeat keeps them');
    hangs.hang();
    await clock.advance(3_000);
    works.siblings.connections(9);
    works.siblings.passOn({ close: () => assert.fail('closed') });
    await clock.advance(0);
    assert.deepEqual([works.accepted.length, hangs.accepted.length], [1, 0], 'it goes back to the one that works');
    assert.ok(crew.alive.includes(hangs));
    await clock.advance(3_000);
    await eventually(5_000, async () => {
      await clock.advance(1);
      return crew.alive.length === 2;
    });
    assert.deepEqual(crew.alive.map(({ id }) => id).sort(), [0, 2]);
  });

  test('when the first cannot start, none is left and the reason is told', async () => {
    const crew = new Crew(3, {
      onStart: ({ worker }) => {
        if (worker === 1) throw Object.assign(new Error('the port is taken'), { code: 'EADDRINUSE' });
      },
    });
    await assert.rejects(crew.workers.start(), { message: 'the port is taken', code: 'EADDRINUSE' });
    await eventually(5_000, () => crew.alive.length === 0);
  });

  test('a replacement that cannot start is tried again', async () => {
    let refusals = 2;
    const crew = await started(2, {
      onStart: ({ worker }) => {
        if (worker >= 2 && refusals-- > 0) throw Object.assign(new Error('not now'), { code: 'EMFILE' });
      },
    });
    crew.worker(0).die();
    await eventually(5_000, () => crew.alive.length === 2);
    assert.deepEqual(crew.alive.map(({ id }) => id).sort(), [1, 4]);
  });
});

describe('the shutdown', () => {
  const stop = async ({ workers }: Crew): Promise<number> => {
    await workers.drain();
    await workers.closeConsumers();
    await workers.stopListening();
    return workers.close();
  };

  test('goes through the phases with all workers, and adds up what was not delivered', async () => {
    const crew = await started(2);
    const all = [...crew.alive];
    for (const worker of all) worker.undelivered = worker.id + 2;
    assert.equal(await crew.workers.undelivered(), 5, 'before it');
    assert.equal(await stop(crew), 5);
    for (const { phases } of all)
      assert.deepEqual(phases, ['drain', 'closeConsumers', 'stopListening', 'close', 'stop']);
    assert.deepEqual(crew.ended.sort(), [0, 1]);
  });

  test('a worker that dies in it holds nobody up and is not replaced', async () => {
    const crew = await started(2);
    await crew.workers.drain();
    crew.worker(1).die();
    assert.equal(await stop(crew), 0);
    assert.equal(crew.alive.length, 0);
  });

  test('workers whose primary is gone stop by themselves', async () => {
    const crew = await started(2);
    const all = [...crew.alive];
    crew.losePrimary();
    await eventually(5_000, () => crew.ended.length === 2);
    for (const { phases } of all) assert.deepEqual(phases, ['stop']);
  });
});
