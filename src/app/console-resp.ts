// The listener of Redis clients as the console sees it: in this process, or in its workers.
import type { ClientRow, CommandHint, RespSide } from '../http/console/redis/resp-side.js';
import { CommandTable } from '../resp/command/command.js';
import type { Argument } from '../resp/command/context.js';
import * as allCommands from '../resp/commands/index.js';
import type { RespServer } from '../resp/server.js';
import type { ClientFilter } from '../resp/siblings/client-test.js';
import type { ClientLine } from '../resp/siblings/siblings.js';

export const respSideOf = (server: RespServer): RespSide => ({
  clients: async () => server.clientFacts(),
  async kill(id) {
    const client = server.client(id);
    client?.destroy();
    return client !== undefined;
  },
  open: (user) => server.openHere(user),
  hints: () => hintsOf(server.commands),
});

/** Of the processes that serve the port: what CLIENT LIST tells of theirs. */
export function respSideOfWorkers(
  list: (filter: ClientFilter) => Promise<readonly (readonly ClientLine[])[]>,
  kill: (filter: ClientFilter) => Promise<readonly number[]>,
): RespSide {
  return {
    clients: async () => (await list({ tests: [] })).flat().map(({ line }) => rowOf(line)),
    kill: async (id) => (await kill({ tests: [{ ids: [id] }] })).some((count) => count > 0),
    hints: () => hintsOf(new CommandTable(Object.values(allCommands))),
  };
}

/** A line of CLIENT LIST. Names have no spaces. */
function rowOf(line: string): ClientRow {
  const fields = new Map(
    line.split(' ').map((field) => [field.split('=', 1)[0]!, field.slice(field.indexOf('=') + 1)]),
  );
  const text = (name: string): string => fields.get(name) ?? '';
  return {
    id: Number(text('id')),
    name: text('name'),
    user: text('user'),
    address: text('addr'),
    library: [text('lib-name'), text('lib-ver')].filter(Boolean).join(' '),
    ageMs: Number(text('age')) * 1000,
    idleMs: Number(text('idle')) * 1000,
    command: text('cmd'),
    is: text('flags') === 'O' ? 'monitor' : text('flags') === 'b' ? 'waiting' : 'idle',
    inFlight: null,
  };
}

const hintsOf = (table: CommandTable): CommandHint[] =>
  Array.from(table.all(), ({ command, fullName }) => ({
    name: fullName.replace('|', ' ').toUpperCase(),
    summary: command.summary,
    args: (command.args ?? []).map(argumentText).join(' '),
  })).filter(({ args, name }) => args !== '' || name.length > 0);

/** As redis-cli hints it: `key [COUNT count] value [value ...]`. */
function argumentText({ name, token, optional, multiple, of = [] }: Argument): string {
  const own =
    of.length > 0 ? of.map(argumentText).join(of.length > 1 ? ' | ' : ' ') : token === name.toUpperCase() ? '' : name;
  const text = [token, own === name && token?.toLowerCase() === name ? '' : own].filter(Boolean).join(' ');
  const all = multiple ? `${text} [${text} ...]` : text;
  return optional ? `[${all}]` : all;
}
