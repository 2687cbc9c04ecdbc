// Reads produced records back by their reports: none is missing, and each partition has the order of the calls.
import assert from 'node:assert/strict';
import type { DeliveryReport, Message } from '../../../src/core/ports.js';
import { type PortSuite, startOf } from './suite.js';

interface Reported {
  readonly report: DeliveryReport;
  /** The call's number. */
  readonly tag: unknown;
}

/** The messages of these topics from their beginning. (Some embedded topics have more partitions than requested.) */
export async function readBack(
  suite: PortSuite,
  reports: readonly Reported[],
): Promise<{ readonly tag: unknown; readonly message: Message }[]> {
  const tags = new Map<string, unknown>();
  const starts = new Map<string, ReturnType<typeof startOf>>();
  for (const { report, tag } of reports) {
    assert.equal(report.error, undefined);
    tags.set(`${report.topic}:${report.partition}:${report.offset}`, tag);
    starts.set(`${report.topic}:${report.partition}`, startOf(report.topic, report.partition));
  }
  const consumer = await suite.consuming();
  consumer.assign([...starts.values()]);
  const messages = await suite.read(consumer, reports.length);
  const last = new Map<string, number>();
  return messages.map((message) => {
    const partition = `${message.topic}:${message.partition}`;
    const tag = tags.get(`${partition}:${message.offset}`) as number;
    assert.ok(tag > (last.get(partition) ?? -1), `${partition}: call ${tag} behind call ${last.get(partition)}`);
    last.set(partition, tag);
    return { tag, message };
  });
}
