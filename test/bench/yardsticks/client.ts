// The client of the consuming benchmarks, a process of its own. Prints what it took a second.
// usage: client.js <port> <what> <topic> <messages> <connections>      what: ping | pop | pop-ack | pop-64
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';

const RedisParser = createRequire(import.meta.url)('redis-parser');
const [port, what = 'ping', topic = '', count = '100000', connections = '1'] = process.argv.slice(2);

const encode = (...args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;
/** An answer of BLPOP: name and value in turns. */
const place = (answer: readonly unknown[]): string => `${answer[1]}:${answer[3]}:${answer[5]}`;
const pop = encode('BLPOP', `topics:${topic}`, '60');

let taken = 0;
let startedAt = 0;
function took(messages: number): void {
  taken += messages;
  if (taken < Number(count)) return;
  console.log(JSON.stringify({ perSecond: taken / ((performance.now() - startedAt) / 1_000) }));
  process.exit(0);
}

/** What is sent when these answers have come. */
const next: Record<string, (answers: readonly unknown[]) => { text: string; answers: number }> = {
  ping: () => {
    took(1);
    return { text: 'PING\r\n', answers: 1 };
  },
  pop: () => {
    took(1);
    return { text: pop, answers: 1 };
  },
  'pop-ack': ([answer]) => {
    if (answer === 1) return { text: pop, answers: 1 };
    took(1);
    return { text: encode('RPUSH', 'acks', place(answer as unknown[])), answers: 1 };
  },
  'pop-64': (answers) => {
    took(64);
    const places = answers.filter((answer) => Array.isArray(answer)).map((answer) => place(answer as unknown[]));
    return { text: encode('RPUSH', 'acks', ...places) + pop.repeat(64), answers: 65 };
  },
};

function run(index: number): Socket {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  let wanted = 1;
  let isNamed = what === 'ping';
  let answers: unknown[] = [];
  const parser = new RedisParser({
    returnReply: (reply: unknown) => {
      answers.push(reply);
      if (answers.length < wanted) return;
      const these = answers;
      answers = [];
      if (!isNamed) {
        isNamed = true;
        wanted = what === 'pop-64' ? 64 : 1;
        socket.write(what === 'pop-64' ? pop.repeat(64) : pop);
        return;
      }
      // The first answers come with joining the group.
      startedAt ||= performance.now();
      const request = next[what]!(these);
      wanted = request.answers;
      socket.write(request.text);
    },
    returnError: (error: Error) => {
      throw error;
    },
  });
  socket.on('data', (bytes) => parser.execute(bytes));
  socket.write(
    what === 'ping' ? 'PING\r\n' : encode('CLIENT', 'SETNAME', `bench-${topic}-${what}-${process.pid}:c${index}`),
  );
  return socket;
}

for (let index = 0; index < Number(connections); index += 1) run(index);
