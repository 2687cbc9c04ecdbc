// The relay: a row for each mapping.
import type { JSX } from 'preact';
import { useData } from '../api';
import { bytes, duration, number, rate, time } from '../format';
import { Shown } from '../parts';
import { Table } from '../table';

interface MappingRow {
  readonly source: string;
  readonly target: string;
  readonly state: string;
  readonly active: number | null;
  readonly brokers: string | null;
  readonly behind: number | null;
  readonly healthy: number;
  readonly of: number;
  readonly messages: number;
  readonly bytes: number;
  readonly filtered: number;
  readonly skipped: number;
  readonly remaining: number | null;
  readonly hidden: string | null;
  readonly perSecond: number | null;
  readonly leftMs: number | null;
  readonly committedAt: number | null;
  readonly lastError: string | null;
}

export function RelayScreen(): JSX.Element {
  const found = useData<{ rows: readonly MappingRow[] }>('/relay', {}, 3_000);
  return (
    <>
      <h2>Relay</h2>
      <Shown {...found}>
        {({ rows }) => (
          <Table
            name="relay"
            rows={rows}
            columns={[
              { title: 'From', value: ({ source }) => source },
              { title: 'To', value: ({ target }) => target },
              {
                title: 'State',
                value: ({ state }) => state,
                cell: (row) => (
                  <span class={row.state === 'relaying' || row.state === 'ended' ? 'good' : 'warn'}>
                    {row.state}
                    {row.hidden && `, an open transaction at ${row.hidden} hides what follows`}
                  </span>
                ),
              },
              { title: 'Source', value: sourceOf },
              {
                title: 'Delivered',
                value: ({ messages }) => messages,
                cell: (row) => `${number(row.messages)}, ${bytes(row.bytes)}`,
                isNumber: true,
              },
              {
                title: 'Rate',
                value: ({ perSecond }) => perSecond,
                cell: ({ perSecond }) => (perSecond === null ? null : rate(perSecond)),
                isNumber: true,
              },
              { title: 'To go', value: ({ remaining }) => remaining, isNumber: true },
              {
                title: 'Time left',
                value: ({ leftMs }) => leftMs,
                cell: ({ leftMs }) => (leftMs === null ? null : leftMs === 0 ? 'none' : duration(leftMs)),
              },
              {
                title: 'Last commit',
                value: ({ committedAt }) => committedAt,
                cell: ({ committedAt }) => (committedAt === null ? 'none yet' : time(committedAt)),
              },
              { title: 'Filtered', value: ({ filtered }) => filtered, isNumber: true },
              { title: 'Skipped', value: ({ skipped }) => skipped, isNumber: true },
              { title: 'Last error', value: ({ lastError }) => lastError ?? '' },
            ]}
            empty="No topic is being relayed yet: the relay waits for its clusters."
          />
        )}
      </Shown>
    </>
  );
}

function sourceOf({ active, brokers, healthy, of, behind }: MappingRow): string {
  const all = `${healthy} of ${of} answer`;
  if (active === null) return `none is read, ${all}`;
  const late = behind !== null && behind > 0 ? `, ${number(behind)} behind the best` : '';
  return `${active} (${brokers}), ${all}${late}`;
}
