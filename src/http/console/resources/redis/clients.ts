// GET /clients, DELETE /clients/{id} and the stream /monitor: connections of Redis clients, and their commands as they run.
import { fail } from '../../../../errors.js';
import type { ConsoleHost } from '../../host.js';
import { masker } from '../../masking.js';
import { wholeOf } from '../../paging.js';
import { RedisLink } from '../../redis/link.js';
import { unescaped } from '../../redis/reply.js';
import type { ClientRow, RespSide } from '../../redis/resp-side.js';
import { pagingParameters, type Resource, type Stream } from '../../resource.js';

const mostRows = 100;

/** @throws GatewayError `request-invalid` where no Redis clients are served */
export function respOf({ resp }: ConsoleHost): RespSide {
  if (!resp) throw fail('request-invalid', 'this process serves no Redis clients');
  return resp;
}

export const clients = {
  name: 'consoleClients',
  method: 'GET',
  path: '/clients',
  summary: 'One page of connections of Redis clients: who, from where, what it does, its last error. null: unknown',
  parameters: pagingParameters,
  errors: { 400: 'A bad parameter, or no Redis clients are served' },
  async run({ user, query }, host) {
    const resp = respOf(host);
    user.checkAdmin();
    const size = Math.min(wholeOf(query, 'size', mostRows) || mostRows, mostRows);
    const page = wholeOf(query, 'page', 0);
    const text = (query.get('q') ?? '').toLowerCase();
    const found = (await resp.clients()).filter((row) => holds(row, text)).sort((one, other) => one.id - other.id);
    const rows = found.slice(page * size, (page + 1) * size).map((row) => ({ ...row, lastError: errorOf(row) }));
    return { rows, total: found.length, page, size, canMonitor: resp.open !== undefined };
  },
} satisfies Resource;

/** What is not known is told as such: a worker does not tell its clients' errors. */
const errorOf = ({ lastError }: ClientRow): ClientRow['lastError'] | 'unknown' =>
  lastError === undefined ? 'unknown' : lastError;

const holds = ({ name, user, address, library, command }: ClientRow, text: string): boolean =>
  text === '' || [name, user, address, library, command].some((each) => each.toLowerCase().includes(text));

export const killClient = {
  name: 'consoleKillClient',
  method: 'DELETE',
  path: '/clients/{id}',
  isAction: true,
  summary: 'Closes a connection of a Redis client, as CLIENT KILL',
  body: {
    type: 'object',
    required: ['confirm'],
    properties: { confirm: { type: 'string', description: "The connection's id" } },
  },
  errors: { 400: 'Not confirmed, or there is no such connection' },
  async run({ user, path, body }, host) {
    const resp = respOf(host);
    const id = path.id!;
    if (body.confirm !== id) throw fail('request-invalid', `confirm must be '${id}'`);
    if (!(await resp.kill(Number(id)))) throw fail('request-invalid', `there is no connection ${id}`);
    host.log.warn({ user: user.name, conn: id }, 'a connection was closed in the console');
    return {};
  },
} satisfies Resource;

/** Lines sent at most each interval, and the interval, ms. */
const mostLines = 200;
const everyMs = 500;

export const monitor = {
  name: 'consoleMonitor',
  path: '/monitor',
  summary: 'Server-sent events: `lines`, the commands of all Redis clients as they run, as MONITOR. To an admin',
  parameters: [
    { name: 'q', description: 'Only commands that hold this text', type: 'string' },
    { name: 'command', description: 'Only this command', type: 'string' },
    { name: 'address', description: 'Only of clients whose address begins so', type: 'string' },
  ],
  errors: { 400: 'No Redis clients are served by this process' },
  async stream({ user, query, signal }, host, send) {
    const { open } = respOf(host);
    user.checkAdmin();
    if (!open) throw fail('request-invalid', 'with --workers use redis-cli monitor');
    const view = lineView(host);
    const passes = lineFilter(query);
    const link = new RedisLink(open(user));
    signal.addEventListener('abort', () => link.close(), { once: true });
    let lines: object[] = [];
    let skipped = 0;
    link.onPush = (reply) => {
      const line = reply.kind === 'status' ? readLine(reply.text) : undefined;
      if (!line || !passes(line)) return;
      if (lines.length < mostLines) lines.push(view(line));
      else skipped++;
    };
    await link.call('MONITOR');
    send('begun', {});
    while (!signal.aborted && !link.isClosed) {
      await new Promise<void>((resolve) => {
        const cancel = host.clock.after(everyMs, resolve);
        signal.addEventListener('abort', () => resolve(cancel()), { once: true });
      });
      if (lines.length > 0) send('lines', { lines, skipped });
      lines = [];
      skipped = 0;
    }
    link.close();
  },
} satisfies Stream;

interface Line {
  readonly at: number;
  readonly address: string;
  readonly words: readonly Buffer[];
}

/** `1700000000.123456 [0 127.0.0.1:5000] "RPUSHX" "topics:t" "v"` */
function readLine(text: string): Line | undefined {
  const found = /^([\d.]+) \[0 (.*?)\] (.*)$/s.exec(text);
  if (!found) return undefined;
  const words = [...found[3]!.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, word]) => unescaped(word!));
  return { at: Number(found[1]) * 1000, address: found[2]!, words };
}

function lineFilter(query: URLSearchParams): (line: Line) => boolean {
  const of = (name: string): string => (query.get(name) ?? '').toLowerCase();
  const [text, command, address] = [of('q'), of('command'), of('address')];
  return (line) =>
    line.address.startsWith(address) &&
    (command === '' || line.words[0]?.toString().toLowerCase() === command) &&
    (text === '' || line.words.some((word) => word.toString().toLowerCase().includes(text)));
}

/** Without payloads the command and its key are shown, and how many arguments follow. */
function lineView({ settings }: ConsoleHost): (line: Line) => object {
  const mask = masker(settings.maskFields);
  return ({ at, address, words }) => {
    if (settings.showPayloads)
      return { at, address, words: words.map((word) => mask(word).value.toString()), hidden: 0 };
    return { at, address, words: words.slice(0, 2).map(String), hidden: Math.max(0, words.length - 2) };
  };
}
