// Connections of Redis clients, and their commands as they run.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask, useData } from '../api';
import { duration, number, time } from '../format';
import { Failure, Filter, Pager, Shown } from '../parts';
import { Table } from '../table';
import type { Paged, Session } from '../types';
import { MonitorView } from './monitor';

interface ClientRow {
  readonly id: number;
  readonly name: string;
  readonly user: string;
  readonly address: string;
  readonly library: string;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly command: string;
  readonly is: 'waiting' | 'monitor' | 'subscribed' | 'idle';
  readonly inFlight: number | null;
  readonly lastError: { readonly text: string; readonly at: number } | null | 'unknown';
}

export function ClientsScreen({ query, session }: { query: URLSearchParams; session: Session }): JSX.Element {
  const q = query.get('q') ?? '';
  const found = useData<Paged<ClientRow> & { canMonitor: boolean }>(
    '/clients',
    { q, page: Number(query.get('page') ?? 0) },
    2_000,
  );
  return (
    <>
      <h2>Clients</h2>
      <Filter value={q} label="Filter by name, user, address, library or command" />
      <Shown {...found}>
        {(page) => (
          <>
            <Table
              name="clients"
              rows={page.rows}
              columns={[
                { title: 'Id', value: ({ id }) => id, cell: ({ id }) => String(id), isNumber: true },
                { title: 'Name', value: ({ name }) => name },
                { title: 'User', value: ({ user }) => user },
                { title: 'Address', value: ({ address }) => address },
                { title: 'Library', value: ({ library }) => library },
                { title: 'Does', value: stateOf },
                { title: 'Open for', value: ({ ageMs }) => ageMs, cell: ({ ageMs }) => duration(ageMs) },
                { title: 'In flight', value: ({ inFlight }) => inFlight, isNumber: true },
                {
                  title: 'Last error',
                  value: ({ lastError }) =>
                    lastError === 'unknown' ? null : lastError ? `${time(lastError.at)} ${lastError.text}` : '',
                },
                ...(session.allowActions
                  ? [
                      {
                        title: 'Close',
                        value: () => '',
                        cell: (row: ClientRow) => <Kill key={row.id} id={row.id} onDone={found.reload} />,
                      },
                    ]
                  : []),
              ]}
              empty={
                q === '' ? (
                  <>
                    Nobody is connected. Type <code>redis-cli -p {session.redisPort ?? 6380}</code>
                  </>
                ) : (
                  `No connection holds '${q}'.`
                )
              }
            />
            <Pager {...page} />
            {page.canMonitor ? (
              <MonitorView />
            ) : (
              <p class="note">
                Commands as they run: with --workers, type <code>redis-cli -p {session.redisPort ?? 6380} monitor</code>
              </p>
            )}
          </>
        )}
      </Shown>
    </>
  );
}

function stateOf({ is, command, idleMs }: ClientRow): string {
  const name = command.toUpperCase().replace('|', ' ');
  if (is === 'waiting') return `waits in ${name} ${number(idleMs / 1000)} s`;
  if (is === 'monitor') return 'watches (MONITOR)';
  if (is === 'subscribed') return 'listens to channels';
  return name === 'NULL' ? `idle ${duration(idleMs)}` : `idle ${duration(idleMs)} after ${name}`;
}

function Kill({ id, onDone }: { id: number; onDone: () => void }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<Error>();
  if (!isAsking)
    return (
      <button type="button" onClick={() => setAsking(true)} aria-label={`Close connection ${id}`}>
        Close
      </button>
    );
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    ask('DELETE', `/clients/${id}`, {}, { confirm: typed }).then(onDone, setError);
  };
  return (
    <form onSubmit={submit}>
      <label>
        Type {id} <input size={6} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
      </label>{' '}
      <button type="submit" disabled={typed !== String(id)}>
        Close it
      </button>
      {error && <Failure error={error} />}
    </form>
  );
}
