// A stand-in for RIS Live on loopback: a websocket server that accepts subscriptions and sends given or generated messages.
//
// By hand: node build/test/support/ris-live.js [--port 18080] [--host rrc13] [--rate 1000] [--peers 20] [--input stream.jsonl[.gz]]
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type WebSocket, WebSocketServer } from 'ws';

export interface RisLiveOptions {
  readonly port?: number;
  /** What request_rrc_list answers. */
  readonly collectors?: readonly string[];
  /** A client that leaves more unread gets an error and is disconnected, bytes. */
  readonly maxBuffered?: number;
}

interface Client {
  readonly socket: WebSocket;
  /** The `client` parameter of its URL. */
  readonly name: string;
  /** Collectors it subscribed to; null: all. */
  hosts: Set<string> | null;
  subscribed: boolean;
}

/** Its starter stops it. */
export class RisLiveServer {
  readonly url: string;
  readonly #server: WebSocketServer;
  readonly #clients = new Set<Client>();
  readonly #options: RisLiveOptions;
  /** Every command received, for tests. */
  readonly commands: unknown[] = [];

  private constructor(server: WebSocketServer, options: RisLiveOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `ws://127.0.0.1:${(server.address() as { port: number }).port}/v1/ws/`;
    server.on('connection', (socket, request) => this.#accept(socket, request));
  }

  static async start(options: RisLiveOptions = {}): Promise<RisLiveServer> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: options.port ?? 0, perMessageDeflate: false });
    await once(server, 'listening');
    return new RisLiveServer(server, options);
  }

  /** Clients that have subscribed. */
  get subscribers(): string[] {
    return [...this.#clients].filter(({ subscribed }) => subscribed).map(({ name }) => name);
  }

  /** Sends a line to all subscribers of its collector. */
  send(host: string, line: string): void {
    const limit = this.#options.maxBuffered ?? 256 * 1024 * 1024;
    for (const client of this.#clients) {
      if (!client.subscribed || (client.hosts !== null && !client.hosts.has(host))) continue;
      if (client.socket.bufferedAmount > limit) this.tooSlow(client);
      else client.socket.send(line);
    }
  }

  /** Sends a text to all clients, subscribed or not. */
  sendToAll(text: string): void {
    for (const { socket } of this.#clients) socket.send(text);
  }

  /** Cuts the connections of clients whose name begins with this, without a close frame. @returns how many. */
  cut(name: string, exactly = false): number {
    const found = [...this.#clients].filter((client) =>
      exactly ? client.name === name : client.name.startsWith(name),
    );
    for (const { socket } of found) socket.terminate();
    return found.length;
  }

  /** Stops reading from clients of this name: their close frame stays without an answer. */
  ignore(name: string): void {
    for (const client of this.#clients) if (client.name === name) client.socket.pause();
  }

  /** What RIS Live does to a client that does not read. */
  tooSlow({ socket }: { readonly socket: WebSocket }): void {
    socket.send('{"type":"ris_error","data":{"message":"client too slow"}}');
    socket.close(1008);
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: WebSocket, request: IncomingMessage): void {
    const name = new URL(request.url ?? '/', 'ws://any').searchParams.get('client') ?? '';
    const client: Client = { socket, name, hosts: new Set(), subscribed: false };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    socket.on('error', () => {});
    socket.on('message', (data) => this.#command(client, data.toString()));
  }

  #command(client: Client, text: string): void {
    const command = JSON.parse(text) as { type: string; data?: { host?: string; socketOptions?: object } };
    this.commands.push(command);
    const reply = (type: string, data: unknown): void => client.socket.send(JSON.stringify({ type, data }));
    if (command.type === 'ping') reply('pong', null);
    else if (command.type === 'request_rrc_list') reply('ris_rrc_list', this.#options.collectors ?? ['rrc00.ripe.net']);
    else if (command.type === 'ris_subscribe') {
      const host = command.data?.host;
      if (host === undefined) client.hosts = null;
      else client.hosts?.add(host.split('.')[0]!);
      client.subscribed = true;
      reply('ris_subscribe_ok', { subscription: { host }, socketOptions: command.data?.socketOptions });
    } else reply('ris_error', { message: 'Unknown command type', command_type: command.type });
  }
}

export interface GeneratorOptions {
  readonly host: string;
  readonly peers: number;
  /** Messages a second. */
  readonly rate: number;
  /** Some messages are sent up to this much later than others of the same time, ms. */
  readonly disorderMs?: number;
  /** Recorded lines for the contents; times, ids and peers are generated. */
  readonly recorded?: readonly string[];
}

/** A generated message: its line, and what a test needs to check its processing. */
export interface Generated {
  readonly id: string;
  readonly peer: string;
  readonly line: string;
  /** How long after its time it was sent, ms; undefined before. */
  delayMs?: number;
}

export interface LineParts {
  readonly host: string;
  /** Which peer: its address and AS number follow from it. */
  readonly index: number;
  /** The message's time. */
  readonly ms: number;
  /** Its place among the peer's messages of this millisecond, below 65,536. */
  readonly sequence: number;
  /** From `"type"` to the end of its data. */
  readonly content: string;
}

/** A line as RIS Live writes it. */
export function lineOf({ host, index, ms, sequence, content }: LineParts): Generated {
  const peer = `192.0.${2 + (index >> 8)}.${index & 0xff}`;
  const id = `${peer}-${ms.toString(16).padStart(12, '0')}${sequence.toString(16).padStart(4, '0')}`;
  const head = `{"type":"ris_message","data":{"timestamp":${(ms / 1000).toFixed(3)},"peer":"${peer}","peer_asn":"${64512 + index}"`;
  return { id, peer, line: `${head},"id":"${id}","host":"${host}.ripe.net",${content}}}` };
}

/** Generates UPDATEs of the present time, with ids as RIS Live writes them. */
export class Generator {
  readonly #options: GeneratorOptions;
  readonly #contents: readonly string[];
  #count = 0;
  #lastMs = 0;
  #sequences: Uint16Array;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#contents = options.recorded ? options.recorded.map(contentOf) : Array.from({ length: 64 }, (_, i) => made(i));
    this.#sequences = new Uint16Array(options.peers);
  }

  /** The next message, at a time in ms. */
  next(ms: number): Generated {
    const { host, peers } = this.#options;
    if (ms !== this.#lastMs) {
      this.#lastMs = ms;
      this.#sequences.fill(0);
    }
    const index = this.#count % peers;
    const content = this.#contents[this.#count % this.#contents.length]!;
    this.#count++;
    return lineOf({ host, index, ms, sequence: this.#sequences[index]!++, content });
  }

  /** Sends `total` messages at the rate; `sent` is called with each before it goes out. Returns when all are sent. */
  async run(
    server: RisLiveServer,
    total: number,
    sent: (message: Generated) => void,
    stop?: AbortSignal,
  ): Promise<void> {
    const { host, rate, disorderMs = 0 } = this.#options;
    const from = performance.now();
    for (let done = 0; done < total && !stop?.aborted; ) {
      const due = Math.min(total, Math.floor(((performance.now() - from) / 1000) * rate));
      for (; done < due; done++) {
        const message = this.next(Date.now());
        const made = performance.now();
        const send = (): void => {
          message.delayMs = performance.now() - made;
          server.send(host, message.line);
        };
        sent(message);
        if (disorderMs > 0 && done % 50 === 0) setTimeout(send, disorderMs);
        else send();
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (disorderMs > 0) await new Promise((resolve) => setTimeout(resolve, disorderMs + 20));
  }
}

/** Lines of a recorded stream, gunzipped if need be. */
export function readLines(file: string): string[] {
  const bytes = readFileSync(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').filter(Boolean);
}

/** The contents of a recorded message without peer and time: `"type":…` to the end of its data. */
function contentOf(line: string): string {
  const { data } = JSON.parse(line) as { data: Record<string, unknown> };
  const { timestamp: _time, peer: _peer, peer_asn: _asn, id: _id, host: _host, ...content } = data;
  return JSON.stringify(content).slice(1, -1);
}

/** An announcement of 198.18.n.0/24 with the matching PDU. */
function made(n: number): string {
  const attributes = Buffer.from([
    ...[0x40, 1, 1, 0],
    ...[0x40, 2, 10, 2, 2, 0, 0, 0xfc, 0, 0, 0, 0xfd, 0xe8],
    ...[0x40, 3, 4, 192, 0, 2, 1],
  ]);
  const body = Buffer.from([0, 0, 0, attributes.length, ...attributes, 24, 198, 18, n]);
  const head = Buffer.alloc(19, 0xff);
  head.writeUInt16BE(19 + body.length, 16);
  head[18] = 2;
  const raw = Buffer.concat([head, body]).toString('hex').toUpperCase();
  return (
    `"type":"UPDATE","path":[64512,65000],"community":[],"origin":"IGP",` +
    `"announcements":[{"next_hop":"192.0.2.1","prefixes":["198.18.${n}.0/24"]}],"withdrawals":[],"raw":"${raw}"`
  );
}

async function byHand(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '18080' },
      host: { type: 'string', default: 'rrc00' },
      rate: { type: 'string', default: '1000' },
      peers: { type: 'string', default: '20' },
      input: { type: 'string' },
    },
  });
  const server = await RisLiveServer.start({ port: Number(values.port), collectors: [`${values.host}.ripe.net`] });
  console.log(server.url);
  const recorded = values.input
    ? { recorded: readLines(values.input).filter((line) => line.includes('"UPDATE"')) }
    : {};
  const shape = { host: values.host, rate: Number(values.rate), peers: Number(values.peers) };
  await new Generator({ ...shape, ...recorded }).run(server, Number.POSITIVE_INFINITY, () => {});
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await byHand();
