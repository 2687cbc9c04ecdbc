// The list of topics: filtered and paged by the server.
import type { JSX } from 'preact';
import { useData } from '../api';
import { duration, number, rate } from '../format';
import { Filter, Pager, Shown } from '../parts';
import { linkTo } from '../route';
import { Table } from '../table';
import type { Paged, Session, TopicRow } from '../types';

export function TopicsScreen({ query, session }: { query: URLSearchParams; session: Session }): JSX.Element {
  const q = query.get('q') ?? '';
  const page = Number(query.get('page') ?? 0);
  const topics = useData<Paged<TopicRow>>('/topics', { q, page }, 5_000);
  const port = session.redisPort ?? 6380;
  return (
    <>
      <h2>Topics</h2>
      <Filter value={q} label="Filter by name" />
      <Shown {...topics}>
        {(found) => (
          <>
            <Table
              name="topics"
              rows={found.rows}
              columns={[
                {
                  title: 'Topic',
                  value: ({ name }) => name,
                  cell: ({ name }) => <a href={linkTo('topics', name)}>{name}</a>,
                },
                { title: 'Partitions', value: (row) => row.partitions, isNumber: true },
                { title: 'Replicas', value: (row) => row.replicas, isNumber: true },
                {
                  title: 'Messages',
                  value: (row) => row.messages,
                  cell: (row) => (row.messages === null ? null : number(row.messages)),
                  isNumber: true,
                },
                {
                  title: 'Rate',
                  value: (row) => row.perSecond,
                  cell: (row) => (row.perSecond === null ? null : rate(row.perSecond)),
                  isNumber: true,
                },
                {
                  title: 'Retention',
                  value: (row) => row.retentionMs,
                  cell: (row) =>
                    row.retentionMs === null
                      ? null
                      : `${duration(row.retentionMs)}${row.isCompacted ? ', compacted' : ''}`,
                },
                {
                  title: 'State',
                  value: (row) => (row.underReplicated > 0 ? `${row.underReplicated} under-replicated` : 'ok'),
                  cell: (row) =>
                    row.underReplicated > 0 ? <span class="bad">{row.underReplicated} under-replicated</span> : 'ok',
                },
              ]}
              empty={
                q === '' ? (
                  <>
                    There is no topic yet. Type <code>redis-cli -p {port} rpushx topics:greetings hello</code>
                  </>
                ) : (
                  `No topic's name contains '${q}'.`
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
