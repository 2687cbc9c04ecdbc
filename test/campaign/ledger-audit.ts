// What a topic holds in the end, read by a group of its own: the ledgers' books are compared with it.
import { connect } from '../support/redis-client.js';

export interface Stored {
  /** How often each id stands in the topic. */
  readonly counts: ReadonlyMap<string, number>;
  /** Ids of a writer that stand behind a later one of the same partition. */
  readonly disordered: number;
}

export interface AuditOptions {
  readonly port: number;
  readonly topic: string;
  readonly covered: ReadonlySet<string>;
  /** Ids whose place nobody promises: they were given up with their connection, and the broker may have taken them later. */
  readonly unordered?: ReadonlySet<string>;
  /** Of a user who may read it. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** Reads the whole topic, until every covered id was seen or nothing more comes. */
export async function readTopic({ port, topic, covered, unordered, login }: AuditOptions): Promise<Stored> {
  const client = await connect(port, `audit-${Date.now()}:a`, login);
  const counts = new Map<string, number>();
  const last = new Map<string, number>();
  let disordered = 0;
  try {
    let found = 0;
    for (let silent = 0; silent < 2 || (found < covered.size && silent < 10); ) {
      const key = `topics:${topic}:{"auto.offset.reset":"earliest"}`;
      const answer = (await client.call('BLPOP', key, '3')) as unknown[] | null;
      silent = answer ? 0 : silent + 1;
      if (!answer) continue;
      const id = String(answer[7]);
      const [writer, sequence] = id.split('-');
      const place = `${writer}:${answer[3]}`;
      const isFirst = !counts.has(id);
      counts.set(id, (counts.get(id) ?? 0) + 1);
      if (isFirst && covered.has(id)) found += 1;
      if (unordered?.has(id)) continue;
      if (isFirst && Number(sequence) < (last.get(place) ?? -1)) disordered += 1;
      last.set(place, Number(sequence));
    }
    return { counts, disordered };
  } finally {
    client.disconnect();
  }
}
