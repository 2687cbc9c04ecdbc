// One group: members, positions with lag, reset and deletion.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, useData } from '../api';
import { duration, number } from '../format';
import { Failure, Shown, Spark } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { Group, Position, Session } from '../types';
import { Reset } from './reset';

/** Lags kept for the lines: 5 minutes. */
const most = 60;

export function GroupScreen({ name, session }: { name: string; session: Session }): JSX.Element {
  const group = useData<Group>(`/groups/${encodeURIComponent(name)}`, {}, 5_000);
  const history = useHistory(group.data?.positions);
  return (
    <>
      <h2>Group {name}</h2>
      <Shown {...group}>
        {({ state, members, positions, isComplete }) => (
          <>
            <p>
              {state}, lag {number(totalOf(positions))}
            </p>
            {!isComplete && <p class="note">The cluster is large: not every topic was looked through.</p>}
            <h3>Members</h3>
            <Table
              name={`${name}-members`}
              rows={members}
              columns={[
                { title: 'Client id', value: ({ clientId }) => clientId },
                { title: 'Member', value: ({ id }) => id },
                {
                  title: 'Partitions',
                  value: ({ partitions }) =>
                    partitions.map(({ topic, partition }) => `${topic}:${partition}`).join(' '),
                },
              ]}
              empty="Nobody is in the group now."
            />
            <h3>Positions</h3>
            <Table
              name={`${name}-positions`}
              rows={positions}
              columns={[
                {
                  title: 'Topic',
                  value: ({ topic }) => topic,
                  cell: ({ topic }) => <a href={linkTo('topics', topic)}>{topic}</a>,
                },
                { title: 'Partition', value: ({ partition }) => partition, isNumber: true },
                { title: 'Committed', value: ({ committed }) => committed, isNumber: true },
                { title: 'End', value: ({ end }) => end, isNumber: true },
                { title: 'Lag', value: ({ lag }) => lag, isNumber: true },
                {
                  title: 'Lag, the last minutes',
                  value: () => '',
                  cell: (row) => <Spark values={history.get(keyOf(row)) ?? []} label={`Lag of ${keyOf(row)}`} />,
                },
                {
                  title: 'Not read for',
                  value: ({ stillMs }) => stillMs,
                  cell: ({ stillMs }) => (stillMs === null ? '' : duration(stillMs)),
                },
                { title: 'Member', value: ({ member }) => member ?? 'none' },
              ]}
              empty="It has committed nothing yet."
            />
            {session.allowActions && (
              <>
                <Reset group={name} topics={[...new Set(positions.map(({ topic }) => topic))]} onDone={group.reload} />
                <Delete group={name} />
              </>
            )}
          </>
        )}
      </Shown>
    </>
  );
}

const keyOf = ({ topic, partition }: Position): string => `${topic}:${partition}`;

const totalOf = (positions: readonly Position[]): number | null =>
  positions.length === 0 || positions.some(({ lag }) => lag === null)
    ? null
    : positions.reduce((sum, { lag }) => sum + lag!, 0);

/** The lags since the page was opened. */
function useHistory(positions: readonly Position[] | undefined): ReadonlyMap<string, readonly number[]> {
  const history = useRef(new Map<string, number[]>());
  const [, redraw] = useState(0);
  useEffect(() => {
    for (const position of positions ?? []) {
      if (position.lag === null) continue;
      const key = keyOf(position);
      history.current.set(key, [...(history.current.get(key) ?? []), position.lag].slice(-most));
    }
    redraw((count) => count + 1);
  }, [positions]);
  return history.current;
}

function Delete({ group }: { group: string }): JSX.Element {
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<Error>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    ask('DELETE', `/groups/${encodeURIComponent(group)}`, {}, { confirm: typed }).then(() => {
      location.hash = linkTo('groups');
    }, setError);
  };
  return (
    <details class="danger">
      <summary>Delete the group</summary>
      <form onSubmit={submit}>
        <p>Its positions are lost: who joins again begins where auto.offset.reset says.</p>
        <label>
          Type the group's name{' '}
          <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" />
        </label>
        <button type="submit" disabled={typed !== group}>
          Delete
        </button>
      </form>
      {error && <Failure error={error} />}
    </details>
  );
}
