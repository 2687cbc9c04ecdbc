// node-redis. node node-redis.mjs PORT STREAM produce|consume COUNT [CRASH_AFTER]
import { createClient } from 'redis';

const [port, stream, mode, count, crashAfter = 0] = process.argv
  .slice(2)
  .map((arg, index) => (index === 1 || index === 2 ? arg : Number(arg)));
const client = await createClient({ socket: { port } }).connect();

if (mode === 'produce') {
  for (let start = 0; start < count; start += 100) {
    const numbers = Array.from({ length: Math.min(100, count - start) }, (_, index) => start + index);
    await Promise.all(numbers.map((number) => client.xAdd(stream, '*', { value: `n${number}` })));
  }
} else {
  await client.xGroupCreate(stream, 'g', '0', { MKSTREAM: true }).catch((error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  let done = 0;
  const handle = async (messages) => {
    for (const entry of messages) {
      if (crashAfter > 0 && done >= crashAfter) process.kill(process.pid, 'SIGKILL');
      if ((await client.xAck(stream, 'g', entry.id)) !== 1) continue;
      done++;
      console.log('got', entry.message.value);
    }
  };
  const name = crashAfter > 0 ? 'first' : 'second';
  for (let quiet = 0; quiet < 3; ) {
    const { messages: claimed } = await client.xAutoClaim(stream, 'g', name, 1000, '0', { COUNT: 100 });
    await handle(claimed);
    const reply = await client.xReadGroup('g', name, { key: stream, id: '>' }, { COUNT: 100, BLOCK: 3000 });
    const messages = reply?.[0]?.messages ?? [];
    await handle(messages);
    quiet = messages.length + claimed.length > 0 ? 0 : quiet + 1;
  }
}
client.destroy();
