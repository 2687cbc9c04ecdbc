// REST and gRPC: queues by group and topic, requests by status.
import type { JSX } from 'preact';
import { useData } from '../api';
import { duration, rate } from '../format';
import { Shown } from '../parts';
import { Table } from '../table';

interface QueueRow {
  readonly cluster: string;
  readonly group: string;
  readonly topic: string;
  readonly offered: number;
  readonly most: number;
  readonly oldestMs: number | null;
  readonly retries: number;
  readonly waiting: number;
  readonly oldestWaitMs: number | null;
}

interface RequestRow {
  readonly listener: string;
  readonly route: string;
  readonly status: string;
  readonly total: number;
  readonly perSecond: number | null;
}

export function RestScreen(): JSX.Element {
  const found = useData<{ rows: readonly QueueRow[]; requests: readonly RequestRow[] }>('/rest', {}, 3_000);
  const age = (ms: number | null): string => (ms === null ? 'none' : duration(ms));
  return (
    <>
      <h2>REST and gRPC</h2>
      <Shown {...found}>
        {({ rows, requests }) => (
          <>
            <Table
              name="queues"
              rows={rows}
              columns={[
                { title: 'Cluster', value: ({ cluster }) => cluster },
                { title: 'Group', value: ({ group }) => group },
                { title: 'Topic', value: ({ topic }) => topic },
                {
                  title: 'Offered',
                  value: ({ offered }) => offered,
                  cell: (row) => `${row.offered} of ${row.most}`,
                  isNumber: true,
                },
                { title: 'Oldest offer', value: ({ oldestMs }) => oldestMs, cell: (row) => age(row.oldestMs) },
                { title: 'Retries', value: ({ retries }) => retries, isNumber: true },
                { title: 'Requests that wait', value: ({ waiting }) => waiting, isNumber: true },
                {
                  title: 'Oldest request',
                  value: ({ oldestWaitMs }) => oldestWaitMs,
                  cell: (row) => age(row.oldestWaitMs),
                },
              ]}
              empty={
                <>
                  Nobody consumes. Type <code>curl 'localhost:19092/topics/greetings/messages?group=me'</code>
                </>
              }
            />
            <h3>Requests</h3>
            <Table
              name="requests"
              rows={requests}
              columns={[
                { title: 'Listener', value: ({ listener }) => listener },
                { title: 'Route', value: ({ route }) => route },
                {
                  title: 'Status',
                  value: ({ status }) => status,
                  cell: ({ status }) => <span class={/^(?:408|429|5)/.test(status) ? 'bad' : ''}>{status}</span>,
                },
                { title: 'Since the start', value: ({ total }) => total, isNumber: true },
                {
                  title: 'Rate',
                  value: ({ perSecond }) => perSecond,
                  cell: (row) => (row.perSecond === null ? null : rate(row.perSecond)),
                  isNumber: true,
                },
              ]}
              empty="There was no request yet."
            />
            <p>
              The API as an <a href="../api/v1/openapi.json">OpenAPI document</a>
            </p>
          </>
        )}
      </Shown>
    </>
  );
}
