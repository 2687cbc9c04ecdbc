// One stream: groups with their consumers and pending entries, and its dead letters.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, get, useData } from '../api';
import { duration, number, time } from '../format';
import { Failure, Shown } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { MessageRow, Session } from '../types';
import { textOf } from './value';

interface Entry {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number | null;
  readonly deliveries: number | null;
}

interface StreamGroup {
  readonly name: string;
  readonly lag: number | null;
  readonly pending: number | null;
  readonly lastDeliveredId: string;
  readonly consumers: readonly { name: string; pending: number | null; idleMs: number | null }[];
  readonly entries: readonly Entry[];
}

interface Stream {
  readonly topic: string;
  readonly length: number | null;
  readonly lastId: string;
  readonly deadLetters: { readonly topic: string; readonly messages: number | null } | null;
  readonly groups: readonly StreamGroup[];
}

export function StreamScreen({ name, session }: { name: string; session: Session }): JSX.Element {
  const stream = useData<Stream>(`/streams/${encodeURIComponent(name)}`, {}, 5_000);
  return (
    <>
      <h2>
        Stream {name} <a href={linkTo('topics', name)}>as a topic</a>
      </h2>
      <Shown {...stream}>
        {(found) => (
          <>
            <p>
              {number(found.length)} entries, the last is {found.lastId}
            </p>
            <Table
              name="groups-of-stream"
              rows={found.groups}
              columns={[
                { title: 'Group', value: (group) => group.name },
                { title: 'Consumers', value: ({ consumers }) => consumers.length, isNumber: true },
                { title: 'Pending', value: ({ pending }) => pending, isNumber: true },
                { title: 'Lag', value: ({ lag }) => lag, isNumber: true },
                { title: 'Last delivered', value: ({ lastDeliveredId }) => lastDeliveredId },
              ]}
              empty={
                <>
                  No group reads it. Type <code>xgroup create {name} mygroup 0</code>
                </>
              }
            />
            {found.groups.map((group) => (
              <GroupPart key={group.name} topic={name} group={group} session={session} onDone={stream.reload} />
            ))}
            {found.deadLetters && <DeadLetters topic={name} session={session} count={found.deadLetters.messages} />}
          </>
        )}
      </Shown>
    </>
  );
}

function GroupPart({
  topic,
  group,
  session,
  onDone,
}: {
  topic: string;
  group: StreamGroup;
  session: Session;
  onDone: () => void;
}): JSX.Element | null {
  const [consumer, setConsumer] = useState('');
  const [error, setError] = useState<Error>();
  if (group.consumers.length === 0 && group.entries.length === 0) return null;
  const act = (what: 'acknowledge' | 'claim' | 'redeliver', { id, consumer: holder }: Entry): void => {
    const path = `/streams/${encodeURIComponent(topic)}/groups/${encodeURIComponent(group.name)}/pending`;
    ask('POST', path, {}, { act: what, id, consumer: what === 'claim' ? consumer : holder }).then(() => {
      setError(undefined);
      onDone();
    }, setError);
  };
  return (
    <section aria-label={`Group ${group.name}`}>
      <h3>Group {group.name}</h3>
      <Table
        name={`consumers-of-${group.name}`}
        rows={group.consumers}
        columns={[
          { title: 'Consumer', value: ({ name }) => name },
          { title: 'Pending', value: ({ pending }) => pending, isNumber: true },
          {
            title: 'Seen',
            value: ({ idleMs }) => idleMs,
            cell: ({ idleMs }) => (idleMs === null ? null : `${duration(idleMs)} ago`),
          },
        ]}
        empty="No consumer of it is in this gateway."
      />
      {error && <Failure error={error} />}
      {session.allowActions && group.entries.length > 0 && (
        <label class="filter">
          Claim for the consumer <input value={consumer} onInput={(event) => setConsumer(event.currentTarget.value)} />
        </label>
      )}
      <Table
        name={`pending-of-${group.name}`}
        rows={group.entries}
        columns={[
          { title: 'Entry', value: ({ id }) => id },
          { title: 'Consumer', value: (entry) => entry.consumer },
          {
            title: 'Idle',
            value: ({ idleMs }) => idleMs,
            cell: ({ idleMs }) => (idleMs === null ? null : duration(idleMs)),
          },
          { title: 'Deliveries', value: ({ deliveries }) => deliveries, isNumber: true },
          ...(session.allowActions
            ? [
                {
                  title: 'Actions',
                  value: () => '',
                  cell: (entry: Entry) => (
                    <span class="views">
                      <button type="button" onClick={() => act('acknowledge', entry)}>
                        Acknowledge
                      </button>
                      <button type="button" disabled={consumer === ''} onClick={() => act('claim', entry)}>
                        Claim
                      </button>
                      <button type="button" onClick={() => act('redeliver', entry)}>
                        Redeliver
                      </button>
                    </span>
                  ),
                },
              ]
            : []),
        ]}
        empty="Nothing is pending."
      />
      {group.pending !== null && group.pending > group.entries.length && (
        <p class="note">
          The first {group.entries.length} of {number(group.pending)}.
        </p>
      )}
    </section>
  );
}

function DeadLetters({
  topic,
  session,
  count,
}: {
  topic: string;
  session: Session;
  count: number | null;
}): JSX.Element {
  const dead = `${topic}.dlq`;
  const [rows, setRows] = useState<readonly MessageRow[]>();
  const [done, setDone] = useState('');
  const [error, setError] = useState<Error>();
  const load = (): void => {
    get<{ messages: readonly MessageRow[] }>(`/topics/${encodeURIComponent(dead)}/messages`, { from: 'latest' }).then(
      ({ messages }) => setRows(messages),
      setError,
    );
  };
  const again = ({ partition, offset }: MessageRow): void => {
    ask<{ partition: number; offset: number }>(
      'POST',
      `/streams/${encodeURIComponent(topic)}/dead-letters`,
      {},
      { partition, offset },
    ).then((sent) => setDone(`Appended again at ${sent.partition}:${sent.offset}`), setError);
  };
  return (
    <section aria-label="Dead letters">
      <h3>Dead letters</h3>
      <p>
        {number(count)} in <a href={linkTo('topics', dead)}>{dead}</a>{' '}
        <button type="button" onClick={load}>
          Show the newest
        </button>
      </p>
      {error && <Failure error={error} />}
      {done && <p role="status">{done}</p>}
      {rows && (
        <Table
          name="dead-letters"
          rows={rows}
          columns={[
            { title: 'Place', value: ({ partition, offset }) => `${partition}:${offset}` },
            { title: 'Time', value: ({ timestamp }) => time(timestamp) },
            { title: 'Deliveries', value: (row) => headerOf(row, 'dlq.deliveries') },
            { title: 'Group', value: (row) => headerOf(row, 'dlq.group') },
            {
              title: 'Value',
              value: ({ value, size }) => (value ? textOf(value).slice(0, 100) : `${size ?? 0} bytes`),
            },
            ...(session.allowActions
              ? [
                  {
                    title: 'Actions',
                    value: () => '',
                    cell: (row: MessageRow) => (
                      <button type="button" onClick={() => again(row)}>
                        Redeliver
                      </button>
                    ),
                  },
                ]
              : []),
          ]}
          empty="There is none."
        />
      )}
    </section>
  );
}

const headerOf = ({ headers }: MessageRow, name: string): string | null => {
  const value = headers?.find(({ key }) => key === name)?.value;
  return value ? textOf(value) : null;
};
