// The list of consumer groups: filtered and paged by the server.
import type { JSX } from 'preact';
import { useData } from '../api';
import { Filter, Pager, Shown } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { GroupRow, Paged } from '../types';

export function GroupsScreen({ query }: { query: URLSearchParams }): JSX.Element {
  const q = query.get('q') ?? '';
  const groups = useData<Paged<GroupRow>>('/groups', { q, page: Number(query.get('page') ?? 0) }, 5_000);
  return (
    <>
      <h2>Groups</h2>
      <Filter value={q} label="Filter by name" />
      <Shown {...groups}>
        {(found) => (
          <>
            <Table
              name="groups"
              rows={found.rows}
              columns={[
                {
                  title: 'Group',
                  value: ({ group }) => group,
                  cell: ({ group }) => <a href={linkTo('groups', group)}>{group}</a>,
                },
                { title: 'State', value: ({ state }) => state },
                { title: 'Members', value: ({ members }) => members, isNumber: true },
                { title: 'Topics', value: ({ topics }) => topics.join(' ') },
                { title: 'Lag', value: ({ lag }) => lag, isNumber: true },
              ]}
              empty={
                q === '' ? (
                  <>
                    No group has read anything yet. Type{' '}
                    <code>printf 'client setname me:1\nblpop topics:greetings 5\n' | redis-cli -p 6380</code>
                  </>
                ) : (
                  `No group's name contains '${q}'.`
                )
              }
            />
            <Pager {...found} />
          </>
        )}
      </Shown>
    </>
  );
}
