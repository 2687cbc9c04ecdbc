// A stage of the exactly-once campaign with ioredis, as a process of its own: pops, and writes and acknowledges in one EXEC. Prints `+<ids>`
// for each EXEC that is answered, and what went wrong otherwise: it connects again then. Arguments: port, stage, messages popped together.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { connect } from '../support/redis-client.js';

const [port, stage, batch] = process.argv.slice(2).map(Number) as [number, number, number];

for (;;) {
  let client: Redis | undefined;
  try {
    client = await connect(port, `stage-${stage}:worker`);
    for (;;) await step(client);
  } catch (error) {
    console.log((error as Error).message);
    client?.disconnect();
    await sleep(50);
  }
}

async function step(client: Redis): Promise<void> {
  const popped = await pop(client, `topics:stage${stage}`);
  if (popped.length === 0) return;
  const multi = client.multi();
  for (const { value } of popped)
    multi.call('RPUSHX', `topics:stage${stage + 1}:${value.slice(0, value.indexOf('-'))}`, value);
  multi.call('RPUSH', 'acks', ...popped.map(({ place }) => place));
  for (const [error] of (await multi.exec()) ?? []) if (error) throw error;
  console.log(`+${popped.length}`);
}

async function pop(client: Redis, key: string): Promise<{ value: string; place: string }[]> {
  const first = (await client.call('BLPOP', key, '2')) as unknown[] | null;
  if (!first) return [];
  const pipeline = client.pipeline();
  for (let n = 1; n < batch; n++) pipeline.call('BLPOP', key, '0.001');
  const others = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply as unknown[] | null;
  });
  return [first, ...others].flatMap((reply) =>
    reply ? [{ value: String(reply[7]), place: `${reply[1]}:${reply[3]}:${reply[5]}` }] : [],
  );
}
