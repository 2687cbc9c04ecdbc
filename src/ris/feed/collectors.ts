// The list of collectors, from RIS Live.
import { WebSocket } from 'ws';
import type { Clock } from '../../core/ports.js';
import { parseLine } from './message.js';
import { proxyAgent } from './proxy.js';

interface ListOptions {
  readonly url: string;
  readonly proxy?: string | undefined;
  /** For the connection and the answer. */
  readonly connectTimeoutMs: number;
}

/** @returns names like `rrc00`. @throws Error if the server does not answer in time. */
export function listCollectors(options: ListOptions, clock: Clock): Promise<string[]> {
  const { url, proxy, connectTimeoutMs: timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const agent = proxyAgent(proxy, url, timeoutMs, clock);
    const socket = new WebSocket(url, { handshakeTimeout: timeoutMs, ...(agent ? { agent } : {}) });
    const done = (end: () => void): void => {
      cancel();
      socket.terminate();
      end();
    };
    const silent = new Error('RIS Live sent no list of collectors');
    const cancel = clock.after(timeoutMs, () => done(() => reject(silent)));
    socket.on('open', () => socket.send('{"type":"request_rrc_list"}'));
    socket.on('error', (error) => done(() => reject(error)));
    socket.on('message', (data) => {
      const line = parseLine(data.toString());
      if (line.kind !== 'control' || line.type !== 'ris_rrc_list') return;
      const names = namesIn(line.data);
      if (names.length > 0) done(() => resolve(names));
    });
  });
}

function namesIn(data: unknown): string[] {
  if (!Array.isArray(data)) return [];
  const names = data.filter((name) => typeof name === 'string').map((name) => name.split('.')[0]!.toLowerCase());
  return [...new Set(names)].filter((name) => /^[a-z0-9_-]{1,63}$/.test(name));
}
