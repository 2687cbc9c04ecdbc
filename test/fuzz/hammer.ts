// A client that sends what the frames say, in pieces of any size, and comes back whenever it is thrown out.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random, randomFrame } from './frames.js';

export interface HammerOptions {
  readonly port: number;
  readonly seed: number;
  /** Frames to send. */
  readonly frames: number;
  /** Names of commands and subcommands: `['ping']`, `['client', 'list']`. */
  readonly names: readonly (readonly string[])[];
  /** Half of the connections send this first; the others stay who they are. */
  readonly greeting?: Buffer;
  /** Connections come from all over 127.1.0.0/16, as from many machines: failed logins slow down their own address only. */
  readonly spread?: boolean;
}

/** A connection is given up after so many frames: one that waits in BLPOP learns nothing more. */
const FRAMES_A_CONNECTION = 2000;
const FRAMES_A_WRITE = 50;

/** @returns how many connections it took. */
export async function hammer({ port, seed, frames, names, greeting, spread }: HammerOptions): Promise<number> {
  const random = new Random(seed);
  let connections = 0;
  for (let sent = 0; sent < frames; ) {
    const socket = await open(port, spread ? `127.1.${random.below(256)}.${1 + random.below(254)}` : undefined);
    connections++;
    if (greeting && random.below(2) === 0) socket.write(greeting);
    const wild = random.below(4) > 0;
    const atOnce = wild ? 5 : FRAMES_A_WRITE;
    for (let here = 0; here < FRAMES_A_CONNECTION && sent < frames && !socket.destroyed; here += atOnce) {
      const batch = Array.from({ length: atOnce }, () => randomFrame(random, names, wild));
      sent += atOnce;
      await write(socket, random, Buffer.concat(batch));
    }
    socket.destroy();
  }
  return connections;
}

async function open(port: number, localAddress: string | undefined): Promise<Socket> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) });
    socket.on('error', () => {});
    socket.on('data', () => {});
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    if (connected) return socket;
    await sleep(10);
  }
}

async function write(socket: Socket, random: Random, bytes: Buffer): Promise<void> {
  const cut = random.below(bytes.length + 1);
  socket.write(bytes.subarray(0, cut));
  await new Promise((resolve) => setImmediate(resolve));
  if (socket.write(bytes.subarray(cut)) || socket.destroyed) return;
  // It may never read again: then this connection has done its work.
  await Promise.race([
    new Promise((resolve) => socket.once('drain', resolve)),
    new Promise((resolve) => socket.once('close', resolve)),
    sleep(200, undefined, { ref: false }),
  ]);
}
