// The RIS worker: a row for each collector, updates a minute, and the peers of one collector.
import type { JSX } from 'preact';
import { useData } from '../api';
import { Chart } from '../chart';
import { bytes, duration, number, rate } from '../format';
import { Filter, Pager, Shown } from '../parts';
import { linkTo, setQuery } from '../route';
import { Table } from '../table';
import type { Paged } from '../types';

interface CollectorRow {
  readonly host: string;
  readonly leader: boolean;
  readonly hasOthers: boolean;
  readonly connected: boolean;
  readonly received: number | null;
  readonly published: number | null;
  readonly updatesAMinute: readonly number[];
  readonly lagMs: number | null;
  readonly backlog: number;
  readonly backlogBytes: number;
  readonly bufferBytes: number;
  readonly peersUp: number | null;
  readonly late: number;
  readonly dropped: number;
  readonly holes: number | null;
  readonly gaps: number | null;
  readonly disconnects: number | null;
  readonly feedAwayMs: number;
  readonly redisAwayMs: number;
  readonly stuckMs: number;
}

export function RisScreen(): JSX.Element {
  const found = useData<{ rows: readonly CollectorRow[] }>('/ris', {}, 5_000);
  return (
    <>
      <h2>RIS</h2>
      <Shown {...found}>
        {({ rows }) => (
          <>
            <Table
              name="collectors"
              rows={rows}
              columns={[
                {
                  title: 'Collector',
                  value: ({ host }) => host,
                  cell: ({ host }) => <a href={linkTo('ris', host)}>{host}</a>,
                },
                {
                  title: 'This replica',
                  value: ({ leader, hasOthers }) =>
                    `${leader ? 'leads' : 'stands by'}, ${hasOthers ? 'others receive too' : 'no other is known'}`,
                },
                {
                  title: 'Feed',
                  value: stateOf,
                  cell: (row) => <span class={row.connected ? 'good' : 'bad'}>{stateOf(row)}</span>,
                },
                {
                  title: 'Received',
                  value: ({ received }) => received,
                  cell: (row) => rateOf(row.received),
                  isNumber: true,
                },
                {
                  title: 'Published',
                  value: ({ published }) => published,
                  cell: (row) => rateOf(row.published),
                  isNumber: true,
                },
                {
                  title: 'Lag',
                  value: ({ lagMs }) => lagMs,
                  cell: ({ lagMs }) => (lagMs === null ? null : duration(lagMs)),
                },
                { title: 'Peers up', value: ({ peersUp }) => peersUp, isNumber: true },
                {
                  title: 'Backlog',
                  value: ({ backlog }) => backlog,
                  cell: (row) => `${number(row.backlog)}, ${bytes(row.backlogBytes)} of ${bytes(row.bufferBytes)}`,
                },
                { title: 'Late', value: ({ late }) => late, isNumber: true },
                { title: 'Dropped', value: ({ dropped }) => dropped, isNumber: true },
                { title: 'Holes', value: ({ holes }) => holes, isNumber: true },
                { title: 'Gaps', value: ({ gaps }) => gaps, isNumber: true },
                { title: 'Disconnects', value: ({ disconnects }) => disconnects, isNumber: true },
              ]}
              empty="RIS Live has not named its collectors yet."
            />
            <h3>Updates a minute</h3>
            <Chart received={sumOf(rows)} label="updates a minute" />
          </>
        )}
      </Shown>
    </>
  );
}

const rateOf = (value: number | null): string | null => (value === null ? null : rate(value));

function stateOf({ connected, feedAwayMs, redisAwayMs, stuckMs }: CollectorRow): string {
  const parts = [connected ? 'connected' : `no feed for ${duration(feedAwayMs)}`];
  if (redisAwayMs > 0) parts.push(`Redis silent for ${duration(redisAwayMs)}`);
  if (stuckMs > 10_000) parts.push(`no commit for ${duration(stuckMs)}`);
  return parts.join(', ');
}

function sumOf(rows: readonly CollectorRow[]): number[] {
  const length = Math.max(0, ...rows.map(({ updatesAMinute }) => updatesAMinute.length));
  return Array.from({ length }, (_, index) =>
    rows.reduce((sum, { updatesAMinute }) => sum + (updatesAMinute[updatesAMinute.length - length + index] ?? 0), 0),
  );
}

interface PeerRow {
  readonly address: string;
  readonly asn: number;
  readonly state: 'unknown' | 'up' | 'down';
}

export function PeersScreen({ collector, query }: { collector: string; query: URLSearchParams }): JSX.Element {
  const of = (name: string): string => query.get(name) ?? '';
  const params = { q: of('q'), as: of('as'), state: of('state'), page: Number(of('page') || 0) };
  const found = useData<Paged<PeerRow> & { isKnown: boolean }>(
    `/ris/${encodeURIComponent(collector)}/peers`,
    params,
    5_000,
  );
  return (
    <>
      <h2>Peers of {collector}</h2>
      <div class="tools">
        <Filter value={params.q} label="Address holds" />
        <label>
          AS{' '}
          <input
            inputMode="numeric"
            value={params.as}
            onInput={(event) => setQuery({ as: event.currentTarget.value.replace(/\D/g, ''), page: 0 })}
          />
        </label>
        <label>
          State{' '}
          <select value={params.state} onChange={(event) => setQuery({ state: event.currentTarget.value, page: 0 })}>
            <option value="">any</option>
            <option value="up">up</option>
            <option value="down">down</option>
            <option value="unknown">unknown</option>
          </select>
        </label>
      </div>
      <Shown {...found}>
        {(page) =>
          page.isKnown ? (
            <>
              <Table
                name="peers"
                rows={page.rows}
                columns={[
                  { title: 'AS', value: ({ asn }) => asn, cell: ({ asn }) => String(asn), isNumber: true },
                  { title: 'Address', value: ({ address }) => address },
                  {
                    title: 'State',
                    value: ({ state }) => state,
                    cell: ({ state }) => <span class={classes[state]}>{state}</span>,
                  },
                ]}
                empty="No peer is like that."
              />
              <Pager {...page} />
            </>
          ) : (
            <p class="unknown">Unknown: another replica leads, and knows the peers.</p>
          )
        }
      </Shown>
    </>
  );
}

const classes = { up: 'good', down: 'bad', unknown: 'unknown' } as const;
