// One line of CLIENT LIST and CLIENT INFO.

import type { Context, ServerView } from '../command/context.js';
import type { ClientFilter } from '../siblings/client-test.js';
import type { ClientLine } from '../siblings/siblings.js';
import { meantOf } from './client-filter.js';

/** The selected connections of this process. */
export function clientLines(server: Pick<ServerView, 'clients'>, filter: ClientFilter): ClientLine[] {
  return meantOf(filter, server.clients()).map((client) => ({ id: client.id, line: clientLine(client) }));
}

/** `id=3 addr=127.0.0.1:51526 ... resp=2`, with Redis' fields in Redis' order; fields without a meaning here are 0. */
export function clientLine(ctx: Context): string {
  const { status } = ctx;
  const now = Math.floor(ctx.server.nowMicros() / 1000);
  const fields: Readonly<Record<string, string | number>> = {
    id: ctx.id,
    addr: ctx.address,
    laddr: ctx.localAddress,
    fd: 0,
    name: ctx.name,
    age: seconds(now - status.createdAt),
    idle: seconds(now - status.activeAt),
    flags: status.isMonitor ? 'O' : status.isWaiting ? 'b' : 'N',
    db: 0,
    sub: 0,
    psub: 0,
    ssub: 0,
    multi: ctx.queue?.commands.length ?? -1,
    qbuf: status.queryBytes,
    'qbuf-free': 0,
    'argv-mem': 0,
    'multi-mem': 0,
    obl: 0,
    oll: 0,
    omem: status.outputBytes,
    'tot-mem': status.queryBytes + status.outputBytes,
    events: 'r',
    cmd: status.lastCommand,
    user: ctx.user.name,
    redir: -1,
    resp: ctx.protocol,
    'lib-name': status.libraryName,
    'lib-ver': status.libraryVersion,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

const seconds = (ms: number): number => Math.max(0, Math.floor(ms / 1000));
