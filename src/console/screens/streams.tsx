// Topics as streams, lists and channels.
import type { JSX } from 'preact';
import { useData } from '../api';
import { number } from '../format';
import { Filter, Pager, Shown } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { Paged, Session } from '../types';

interface StreamRow {
  readonly name: string;
  readonly messages: number | null;
  readonly listLength: number | null;
  readonly subscribers: number | null;
  readonly deadLetters: number | null;
}

export function StreamsScreen({ query, session }: { query: URLSearchParams; session: Session }): JSX.Element {
  const q = query.get('q') ?? '';
  const found = useData<Paged<StreamRow> & { patterns: number | null }>(
    '/streams',
    { q, page: Number(query.get('page') ?? 0) },
    5_000,
  );
  return (
    <>
      <h2>Streams, lists and channels</h2>
      <Filter value={q} label="Filter by name" />
      <Shown {...found}>
        {(page) => (
          <>
            <Table
              name="streams"
              rows={page.rows}
              columns={[
                {
                  title: 'Topic',
                  value: ({ name }) => name,
                  cell: ({ name }) => <a href={linkTo('streams', name)}>{name}</a>,
                },
                { title: 'Entries', value: ({ messages }) => messages, isNumber: true },
                ...(page.rows.some(({ listLength }) => listLength !== null)
                  ? [{ title: 'As a list', value: ({ listLength }: StreamRow) => listLength, isNumber: true }]
                  : []),
                { title: 'Subscribers', value: ({ subscribers }) => subscribers, isNumber: true },
                {
                  title: 'Dead letters',
                  value: ({ deadLetters }) => deadLetters,
                  cell: ({ name, deadLetters }) =>
                    deadLetters === 0 ? '0' : <a href={linkTo('streams', name)}>{number(deadLetters)}</a>,
                  isNumber: true,
                },
              ]}
              empty={
                q === '' ? (
                  <>
                    There is no topic yet. Type{' '}
                    <code>redis-cli -p {session.redisPort ?? 6380} xadd orders '*' id 1</code>
                  </>
                ) : (
                  `No topic's name contains '${q}'.`
                )
              }
            />
            <Pager {...page} />
            {page.patterns !== 0 && <p class="note">Patterns that are subscribed to: {number(page.patterns)}</p>}
          </>
        )}
      </Shown>
    </>
  );
}
