// ioredis. node ioredis.mjs PORT STREAM produce|consume COUNT [CRASH_AFTER]
import { Redis } from 'ioredis';

const [port, stream, mode, count, crashAfter = 0] = process.argv
  .slice(2)
  .map((arg, index) => (index === 1 || index === 2 ? arg : Number(arg)));
const client = new Redis({ port });

if (mode === 'produce') {
  for (let start = 0; start < count; start += 100) {
    const pipeline = client.pipeline();
    for (let number = start; number < Math.min(start + 100, count); number++)
      pipeline.xadd(stream, '*', 'value', `n${number}`);
    for (const [error] of await pipeline.exec()) if (error) throw error;
  }
} else {
  await client.xgroup('CREATE', stream, 'g', '0', 'MKSTREAM').catch((error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  let done = 0;
  const handle = async (entries) => {
    for (const [id, fields] of entries) {
      if (crashAfter > 0 && done >= crashAfter) process.kill(process.pid, 'SIGKILL');
      if ((await client.xack(stream, 'g', id)) !== 1) continue;
      done++;
      console.log('got', fields[1]);
    }
  };
  const name = crashAfter > 0 ? 'first' : 'second';
  for (let quiet = 0; quiet < 3; ) {
    const [, claimed] = await client.xautoclaim(stream, 'g', name, 1000, '0', 'COUNT', 100);
    await handle(claimed);
    const reply = await client.xreadgroup('GROUP', 'g', name, 'COUNT', 100, 'BLOCK', 3000, 'STREAMS', stream, '>');
    const entries = reply ? (Array.isArray(reply) ? reply[0][1] : Object.values(reply)[0]) : [];
    await handle(entries);
    quiet = entries.length + claimed.length > 0 ? 0 : quiet + 1;
  }
}
client.disconnect();
