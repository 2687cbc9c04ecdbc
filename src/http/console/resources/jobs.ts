// GET /ris, /ris/{collector}/peers, /relay and /rest: the jobs beside Redis clients.
import { fail } from '../../../errors.js';
import type { ConsoleHost } from '../host.js';
import type { RelaySide, RisSide } from '../jobs.js';
import { wholeOf } from '../paging.js';
import { pagingParameters, type Resource } from '../resource.js';

const mostRows = 100;

/** @throws GatewayError `request-invalid` */
function risOf({ jobs }: ConsoleHost): RisSide {
  const found = jobs?.ris?.();
  if (!found) throw fail('request-invalid', 'this process receives no RIS data');
  return found;
}

/** @throws GatewayError `request-invalid` */
function relayOf({ jobs }: ConsoleHost): RelaySide {
  const found = jobs?.relay?.();
  if (!found) throw fail('request-invalid', 'this process relays nothing');
  return found;
}

export const ris = {
  name: 'consoleRis',
  method: 'GET',
  path: '/ris',
  summary:
    'Each collector: whether this replica leads, socket, rates, lag, backlog and its bound, late, dropped, holes. null: unknown',
  errors: { 400: 'The process receives no RIS data' },
  run(_request, host) {
    const { status } = host;
    const of = (name: string) => status.ratesBy(`rafka_ris_${name}_total`, ['host']);
    const [received, published, holes, gaps, disconnects] = [
      of('received'),
      of('published'),
      of('holes'),
      of('gaps'),
      of('disconnects'),
    ];
    const isSampled = status.reading !== undefined;
    const total = (counts: typeof holes, name: string): number | null =>
      counts.get(name)?.total ?? (isSampled ? 0 : null);
    const rows = risOf(host)
      .collectors()
      .map(({ peersUp, ...row }) => ({
        ...row,
        peersUp: row.leader ? peersUp : null,
        received: received.get(row.host)?.perSecond ?? null,
        published: published.get(row.host)?.perSecond ?? null,
        updatesAMinute: (received.get(row.host)?.history ?? []).map((rate) => Math.round(rate * 60)),
        holes: total(holes, row.host),
        gaps: total(gaps, row.host),
        disconnects: total(disconnects, row.host),
      }));
    return { rows };
  },
} satisfies Resource;

export const risPeers = {
  name: 'consoleRisPeers',
  method: 'GET',
  path: '/ris/{collector}/peers',
  summary:
    'One page of the peers of a collector, as the leader publishes them. `isKnown` is false on a replica that does not lead',
  parameters: [
    ...pagingParameters,
    { name: 'as', description: 'Only this AS', type: 'integer' },
    { name: 'state', description: 'Only `up`, `down` or `unknown`', type: 'string' },
  ],
  errors: { 400: 'A bad parameter, or the process receives no RIS data' },
  run({ path, query }, host) {
    const all = risOf(host).peers(path.collector!);
    const size = Math.min(wholeOf(query, 'size', mostRows) || mostRows, mostRows);
    const page = wholeOf(query, 'page', 0);
    const asn = query.get('as') ? wholeOf(query, 'as', 0) : undefined;
    const [text, state] = [(query.get('q') ?? '').toLowerCase(), query.get('state') ?? ''];
    const found = (all ?? []).filter(
      (peer) =>
        peer.address.includes(text) &&
        (asn === undefined || peer.asn === asn) &&
        (state === '' || peer.state === state),
    );
    const sorted = found.sort((one, other) => one.asn - other.asn || (one.address < other.address ? -1 : 1));
    return {
      isKnown: all !== undefined,
      total: sorted.length,
      page,
      size,
      rows: sorted.slice(page * size, (page + 1) * size),
    };
  },
} satisfies Resource;

export const relay = {
  name: 'consoleRelay',
  method: 'GET',
  path: '/relay',
  summary:
    'Each mapping: source, target, state, rate, what is left and for how long, last commit, filtered, skipped, last error. null: unknown',
  errors: { 400: 'The process relays nothing' },
  run(_request, host) {
    const rows = relayOf(host)
      .mappings()
      .map((row) => {
        const perSecond = host.rates.of(`relay ${row.source} ${row.target}`, row.messages);
        const isMoving = row.remaining !== null && perSecond !== null && perSecond > 0;
        const leftMs = row.remaining === 0 ? 0 : isMoving ? Math.round((row.remaining! / perSecond!) * 1000) : null;
        return { ...row, perSecond, leftMs };
      });
    return { rows };
  },
} satisfies Resource;

export const rest = {
  name: 'consoleRest',
  method: 'GET',
  path: '/rest',
  summary:
    'REST and gRPC: for each group and topic the offers, retries and waiting requests; requests by status. null: unknown',
  errors: { 400: 'The process serves neither REST nor gRPC' },
  run({ user }, { jobs, status }) {
    if (!jobs?.queues) throw fail('request-invalid', 'this process serves neither REST nor gRPC');
    const requestsOf = (listener: string, name: string, labels: readonly string[]) =>
      [...status.ratesBy(name, labels)].map(([key, { total, perSecond }]) => {
        const at = key.lastIndexOf(' ');
        return { listener, route: key.slice(0, at), status: key.slice(at + 1), total, perSecond };
      });
    return {
      rows: jobs.queues().filter(({ group, topic }) => user.mayJoin(group) && user.maySee(topic)),
      requests: [
        ...requestsOf('rest', 'rafka_http_requests_total', ['route', 'status']),
        ...requestsOf('grpc', 'rafka_grpc_requests_total', ['method', 'status']),
      ],
    };
  },
} satisfies Resource;
