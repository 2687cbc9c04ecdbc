// The client of the consuming benchmarks, a process of its own. Prints what it took a second.
// usage: client.js <port> <what> <topic> <messages> <connections>      what: ping | pop | pop-ack | pop-64
//
// It costs as little with BLPOP as with PING, so that the figures are the server's: it finds where replies end and reads the
// numbers that acks need, and makes no objects of them.
import { connect, type Socket } from 'node:net';

const [port, what = 'ping', topic = '', count = '100000', connections = '1'] = process.argv.slice(2);
const [CR, MINUS, STAR, DOLLAR, COLON] = [0x0d, 0x2d, 0x2a, 0x24, 0x3a];

const encode = (...args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
const pop = encode('BLPOP', `topics:${topic}`, '60');
const beforeAck = encode('RPUSH', 'acks').replace('*2', '*3');

/** Counts replies in a stream of bytes and keeps the integers in them. */
class Replies {
  /** Integers of the replies so far, in their order: of a message its partition and its offset. */
  readonly integers: number[] = [];
  count = 0;
  #rest: Buffer = Buffer.alloc(0);
  /** Elements of the array being read that are still to come. */
  #elements = 0;

  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (let next = this.#element(bytes, at); next > 0; next = this.#element(bytes, at)) at = next;
    this.#rest = bytes.subarray(at);
  }

  /** @returns where the next element begins; 0: this one has not come whole. */
  #element(bytes: Buffer, at: number): number {
    const type = bytes[at];
    let end = at + 1;
    let value = 0;
    for (; bytes[end] !== CR; end += 1) {
      if (end >= bytes.length) return 0;
      value = value * 10 + bytes[end]! - 0x30;
    }
    end += 2;
    if (type === DOLLAR && bytes[at + 1] !== MINUS) end += value + 2;
    if (end > bytes.length) return 0;
    if (type === MINUS) throw new Error(bytes.toString('latin1', at, end));
    if (type === COLON) this.integers.push(value);
    if (type === STAR && bytes[at + 1] !== MINUS) this.#elements = value;
    else if (this.#elements > 1) this.#elements -= 1;
    else {
      this.#elements = 0;
      this.count += 1;
    }
    return end;
  }
}

let taken = 0;
/** Connections that have not had an answer yet: the first message comes with joining the group, and each that joins holds up the others. */
let joining = Number(connections);
let startedAt = 0;
function took(messages: number): void {
  if (joining > 0) return;
  taken += messages;
  if (taken < Number(count)) return;
  console.log(JSON.stringify({ perSecond: taken / ((performance.now() - startedAt) / 1_000) }));
  process.exit(0);
}

/** What is sent when these replies have come, and how many are expected to it. */
const next: Record<string, (integers: readonly number[]) => { text: string; replies: number }> = {
  ping: () => {
    took(1);
    return { text: 'PING\r\n', replies: 1 };
  },
  pop: () => {
    took(1);
    return { text: pop, replies: 1 };
  },
  'pop-ack': ([partition, offset]) => {
    if (offset === undefined) return { text: pop, replies: 1 };
    took(1);
    const ack = `${topic}:${partition}:${offset}`;
    return { text: `${beforeAck}$${ack.length}\r\n${ack}\r\n`, replies: 1 };
  },
  'pop-64': (integers) => {
    took(64);
    const acks: string[] = [];
    // The first integer but in the first turn is RPUSH's own answer.
    for (let i = integers.length & 1; i < integers.length; i += 2) {
      acks.push(`${topic}:${integers[i]}:${integers[i + 1]}`);
    }
    return { text: encode('RPUSH', 'acks', ...acks) + pop.repeat(64), replies: 65 };
  },
};

function run(index: number): Socket {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  const first = what === 'pop-64' ? { text: pop.repeat(64), replies: 64 } : { text: pop, replies: 1 };
  let wanted = 1;
  let isNamed = what === 'ping';
  let hasJoined = false;
  const replies = new Replies();
  socket.on('data', (bytes) => {
    replies.push(bytes);
    if (replies.count < wanted) return;
    if (isNamed && !hasJoined) {
      hasJoined = true;
      joining -= 1;
      if (joining === 0) startedAt = performance.now();
    }
    const request = isNamed ? next[what]!(replies.integers) : first;
    isNamed = true;
    replies.count = replies.integers.length = 0;
    wanted = request.replies;
    socket.write(request.text);
  });
  socket.write(
    what === 'ping' ? 'PING\r\n' : encode('CLIENT', 'SETNAME', `bench-${topic}-${what}-${process.pid}:c${index}`),
  );
  return socket;
}

for (let index = 0; index < Number(connections); index += 1) run(index);
