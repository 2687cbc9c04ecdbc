// What a group's reader holds for its clients: how much, and which partitions wait at the broker meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BufferedPartition, ReadBuffer } from '../../../../src/core/group/read-buffer.js';
import type { Consumer, Message, TopicPartition } from '../../../../src/core/ports.js';
import { ManualClock } from '../../../support/clock.js';
import { message } from '../../../support/port-doubles.js';

class Partition implements BufferedPartition {
  readonly partition: number;
  blocked = false;
  readonly messages: Message[] = [];

  constructor(partition: number) {
    this.partition = partition;
  }

  get bufferedMessages(): number {
    return this.messages.length;
  }

  get heldBytes(): number {
    return this.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  }

  push(pushed: Message): void {
    this.messages.push(pushed);
  }
}

function make(count = 2) {
  const clock = new ManualClock();
  const partitions = Array.from({ length: count }, (_, partition) => new Partition(partition));
  const buffer = new ReadBuffer('t', clock, () => partitions);
  const paused = new Set<number>();
  const consumer = {
    pause: (list: readonly TopicPartition[]) => {
      for (const { partition } of list) paused.add(partition);
    },
    resume: (list: readonly TopicPartition[]) => {
      for (const { partition } of list) paused.delete(partition);
    },
  } as unknown as Consumer;
  const keep = (...batch: Message[]) => buffer.keep(batch, (partition) => partitions[partition]);
  const fill = (messages: number, bytes = 1) => {
    for (let i = 0; i < messages; i += 1) partitions[0]!.push(message(i, 0, 't', 'x'.repeat(bytes)));
  };
  return { clock, partitions, buffer, paused, consumer, keep, fill };
}

describe('the read buffer', () => {
  test('is full with 1,024 messages, or with 4 MiB', () => {
    const many = make();
    many.fill(1_023);
    assert.equal(many.buffer.isFull, false);
    many.fill(1);
    assert.equal(many.buffer.isFull, true);
    const large = make();
    large.fill(4, 1024 * 1024);
    assert.equal(large.buffer.isFull, true);
  });

  test('asks for as many messages as fit, by the size of those that came last', () => {
    const { buffer, keep } = make();
    assert.equal(buffer.batch, 256);
    keep(...Array.from({ length: 3 }, (_, i) => message(i, 0, 't', 'x'.repeat(1024 * 1024))));
    assert.equal(buffer.batch, 1);
  });

  test('gives each partition its messages, and drops those of partitions that were taken away', () => {
    const { partitions, keep } = make();
    keep(message(0, 0), message(0, 1), message(0, 7), message(1, 0));
    assert.deepEqual(
      partitions.map(({ messages }) => messages.length),
      [2, 1],
    );
  });

  test('full, all partitions are paused; with space again they are read on', () => {
    const { buffer, consumer, paused, fill, partitions } = make();
    fill(1_024);
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], [0, 1]);
    partitions[0]!.messages.length = 10;
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], []);
  });

  test('a partition whose clients have to acknowledge first is paused alone, once it holds 64 messages', () => {
    const { buffer, consumer, paused, fill, partitions } = make();
    partitions[0]!.blocked = true;
    fill(63);
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], []);
    fill(1);
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], [0]);
    partitions[0]!.blocked = false;
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], []);
  });

  test('a partition that was taken away while it was paused is not paused when it comes back', () => {
    const { buffer, consumer, paused, fill, partitions } = make();
    fill(1_024);
    buffer.pauseAndResume(consumer);
    buffer.forget(0);
    // librdkafka assigns partitions unpaused.
    paused.delete(0);
    partitions[0]!.messages.length = 0;
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused], []);
    fill(1_024);
    buffer.pauseAndResume(consumer);
    assert.deepEqual([...paused].sort(), [0, 1]);
  });

  test('waits for space until a client takes messages, other work is due, or a quarter of a second is over', async () => {
    const { clock, buffer, fill, partitions } = make();
    let waits = 0;
    const wait = (isNeeded = () => true) => {
      waits += 1;
      return buffer.room(isNeeded).then(() => {
        waits -= 1;
      });
    };
    await wait();
    fill(1_024);
    void wait();
    await clock.advance(100);
    assert.equal(waits, 1);
    partitions[0]!.messages.length = 5;
    buffer.wake();
    await clock.advance(0);
    assert.equal(waits, 0, 'woken');
    fill(1_024);
    let isNeeded = true;
    void wait(() => isNeeded);
    isNeeded = false;
    buffer.wake();
    await clock.advance(0);
    assert.equal(waits, 0, 'something else to do');
    void wait();
    await clock.advance(249);
    buffer.wake();
    await clock.advance(0);
    assert.equal(waits, 1, 'still full');
    await clock.advance(1);
    assert.equal(waits, 0, 'the partitions are paused now');
  });
});
