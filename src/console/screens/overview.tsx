// What the process does: rates, clients, lags, errors, event loop, memory.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { get, useData } from '../api';
import { Chart } from '../chart';
import { bytes, number, rate } from '../format';
import { Failure, Shown, Spark } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { GroupRow, Overview, Status } from '../types';

interface Lags {
  readonly rows: readonly GroupRow[];
  readonly looked: number;
  readonly unknown: number;
  readonly groups: number;
}

export function OverviewScreen({
  overview,
  status,
  hasKafka,
}: {
  overview: Overview | undefined;
  status: Status | undefined;
  hasKafka: boolean;
}): JSX.Element {
  if (!overview) return <p class="empty">Loading ...</p>;
  const { throughput } = status ?? {};
  return (
    <>
      <h2>Overview</h2>
      <ul class="tiles">
        {status?.job === 'gateway' && <Tile title="Redis clients" value={number(overview.clients)} />}
        <Tile
          title="Event-loop lag, p99"
          value={overview.eventLoopLagMs === null ? 'unknown' : `${number(overview.eventLoopLagMs)} ms`}
        />
        <Tile title="Memory" value={bytes(overview.memoryBytes)} />
        <Tile title="Heap" value={bytes(overview.heapBytes)} />
      </ul>
      {throughput && <Chart received={throughput.received.history} sent={throughput.sent.history} />}
      <h3>Messages by listener</h3>
      <Table
        name="listeners"
        rows={overview.listeners}
        columns={[
          { title: 'Listener', value: ({ name }) => name },
          {
            title: 'In',
            value: ({ received }) => received.perSecond,
            cell: ({ received }) => rate(received.perSecond),
            isNumber: true,
          },
          {
            title: 'In, the last minutes',
            value: () => '',
            cell: ({ name, received }) => <Spark values={received.history} label={`${name}, in`} />,
          },
          { title: 'In, in all', value: ({ received }) => received.total, isNumber: true },
          {
            title: 'Out',
            value: ({ sent }) => sent.perSecond,
            cell: ({ sent }) => rate(sent.perSecond),
            isNumber: true,
          },
          { title: 'Out, in all', value: ({ sent }) => sent.total, isNumber: true },
        ]}
        empty={
          <>
            No message yet. Try <code>redis-cli -p 6380 rpushx topics:greetings hello</code>
          </>
        }
      />
      {hasKafka && <LagTable />}
      <h3>Errors of the last hour</h3>
      <Errors errors={overview.errors} />
    </>
  );
}

const Tile = ({ title, value }: { title: string; value: string }): JSX.Element => (
  <li>
    <span>{title}</span> <strong>{value}</strong>
  </li>
);

function LagTable(): JSX.Element {
  const lags = useData<Lags>('/lags', {}, 10_000);
  return (
    <>
      <h3>Largest lags</h3>
      <Shown {...lags}>
        {({ rows, looked, unknown, groups }) => (
          <>
            <Table
              name="lags"
              rows={rows}
              columns={[
                {
                  title: 'Group',
                  value: ({ group }) => group,
                  cell: ({ group }) => <a href={linkTo('groups', group)}>{group}</a>,
                },
                { title: 'Lag', value: ({ lag }) => lag, isNumber: true },
                { title: 'Members', value: ({ members }) => members, isNumber: true },
                { title: 'Topics', value: ({ topics }) => topics.join(' ') },
              ]}
              empty={groups === 0 ? 'No group has read anything yet.' : 'The lag of no group is known.'}
            />
            {(looked < groups || unknown > 0) && (
              <p class="note">
                Of {looked} of {groups} groups; the lag of {unknown} is unknown.
              </p>
            )}
          </>
        )}
      </Shown>
    </>
  );
}

interface Row {
  readonly code: string;
  readonly resp: string;
  readonly http: number;
  readonly grpc: number;
}

function Errors({ errors }: { errors: Overview['errors'] }): JSX.Element {
  const [shown, setShown] = useState<Row | Error>();
  const explain = (code: string): void => {
    get<Row>(`/errors/${encodeURIComponent(code)}`).then(setShown, setShown);
  };
  return (
    <>
      <Table
        name="errors"
        rows={errors}
        columns={[
          {
            title: 'Cause',
            value: ({ code }) => code,
            cell: ({ code }) =>
              code === 'kafka' || code === 'internal' ? (
                code
              ) : (
                <button type="button" class="link" onClick={() => explain(code)}>
                  {code}
                </button>
              ),
          },
          { title: 'Listener', value: ({ listener }) => listener },
          { title: 'Count', value: ({ count }) => count, isNumber: true },
        ]}
        empty="None."
      />
      {shown instanceof Error ? (
        <Failure error={shown} />
      ) : (
        shown && (
          <dl class="explained">
            <div>
              <dt>docs/ERRORS.md</dt>
              <dd>
                <code>{shown.code}</code>
              </dd>
            </div>
            <div>
              <dt>RESP</dt>
              <dd>
                <code>{shown.resp}</code>
              </dd>
            </div>
            <div>
              <dt>HTTP, gRPC</dt>
              <dd>
                {shown.http}, {shown.grpc}
              </dd>
            </div>
          </dl>
        )
      )}
    </>
  );
}
