// One topic: partitions, messages, settings, and the lines that do the same elsewhere.
import type { JSX } from 'preact';
import { useData } from '../api';
import { duration, number } from '../format';
import { Copy, Shown } from '../parts';
import { Table } from '../table';
import type { PartitionRow, Session, Topic } from '../types';
import { Messages } from './messages';
import { Produce } from './produce';

export function TopicScreen({
  name,
  session,
  query,
}: {
  name: string;
  session: Session;
  query: URLSearchParams;
}): JSX.Element {
  const topic = useData<Topic>(`/topics/${encodeURIComponent(name)}`, {}, 5_000);
  return (
    <>
      <h2>Topic {name}</h2>
      <Shown {...topic}>
        {(found) => (
          <>
            <p>
              {number(found.messages)} messages in {found.partitions} partitions, retention{' '}
              {duration(found.retentionMs)}
              {found.isCompacted ? ', compacted' : ''}
            </p>
            <Messages topic={name} session={session} query={query} partitions={found.partitions} />
            {session.allowActions && <Produce topic={name} onDone={topic.reload} />}
            <h3>Partitions</h3>
            <Partitions rows={found.partitionRows} minIsr={found.minIsr} />
            <Elsewhere topic={name} port={session.redisPort ?? 6380} />
            <h3>Settings</h3>
            {found.config === null ? (
              <p class="empty">Settings are shown to admins, if Kafka permits it.</p>
            ) : (
              <Table
                name={`${name}-settings`}
                rows={Object.entries(found.config).filter(([, { overridden }]) => overridden)}
                columns={[
                  { title: 'Setting', value: ([key]) => key },
                  { title: 'Value', value: ([, { value }]) => value },
                ]}
                empty="The topic has no settings of its own: the brokers' hold."
              />
            )}
          </>
        )}
      </Shown>
    </>
  );
}

function Partitions({ rows, minIsr }: { rows: readonly PartitionRow[]; minIsr: number | null }): JSX.Element {
  return (
    <Table
      name="partitions"
      rows={rows}
      columns={[
        { title: 'Partition', value: ({ partition }) => partition, isNumber: true },
        {
          title: 'Leader',
          value: ({ leader }) => leader ?? 'none',
          cell: ({ leader }) => (leader === null ? <span class="bad">none</span> : leader),
          isNumber: true,
        },
        { title: 'Replicas', value: ({ replicas }) => replicas.join(' ') },
        {
          title: 'In sync',
          value: ({ isr }) => isr.join(' '),
          cell: ({ isr, replicas }) => {
            const isBelow = minIsr !== null && isr.length < minIsr;
            return (
              <span
                class={isBelow ? 'bad' : isr.length < replicas.length ? 'warn' : ''}
              >{`${isr.join(' ')}${isBelow ? ` (below ${minIsr})` : ''}`}</span>
            );
          },
        },
        { title: 'Begin', value: ({ begin }) => begin, isNumber: true },
        { title: 'End', value: ({ end }) => end, isNumber: true },
        {
          title: 'Messages',
          value: ({ begin, end }) => (begin === null || end === null ? null : end - begin),
          isNumber: true,
        },
      ]}
      empty="It has no partitions."
    />
  );
}

function Elsewhere({ topic, port }: { topic: string; port: number }): JSX.Element {
  const path = encodeURIComponent(topic);
  const base = location.href.replace(/\/console\/.*$/, '');
  return (
    <>
      <h3>The same by hand</h3>
      <Copy text={`redis-cli -p ${port} rpushx topics:${topic} hello`} />
      <Copy text={`printf 'client setname me:1\\nblpop topics:${topic} 5\\n' | redis-cli -p ${port}`} />
      <Copy text={`redis-cli -p ${port} xrange ${topic} - + count 10`} />
      <Copy text={`curl '${base}/api/v1/topics/${path}/messages?from=latest&limit=10'`} />
    </>
  );
}
