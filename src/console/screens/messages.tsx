// Messages of a topic: live, from a place, or those that hold a text. The newest is on top.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { get, useStream } from '../api';
import { time } from '../format';
import { Failure } from '../parts';
import { setQuery } from '../route';
import type { MessageRow, Session } from '../types';
import { textOf, Value } from './value';

/** Messages kept on the page. */
const most = 500;

interface Page {
  readonly messages: readonly MessageRow[];
  readonly scanned: number;
  readonly next: Readonly<Record<string, number>> | null;
}

interface Props {
  readonly topic: string;
  readonly session: Session;
  readonly query: URLSearchParams;
  readonly partitions: number;
}

export function Messages({ topic, session, query, partitions }: Props): JSX.Element {
  const from = query.get('from') ?? 'latest';
  const at = query.get('at') ?? '';
  const search = query.get('search') ?? '';
  const partition = query.get('partition') ?? '';
  const isLive = from === 'live';
  const [rows, setRows] = useState<readonly MessageRow[]>([]);
  const [page, setPage] = useState<Page>();
  const [skipped, setSkipped] = useState(0);
  const [isPaused, setPaused] = useState(false);
  const [error, setError] = useState<Error>();
  const [draft, setDraft] = useState(search);
  const path = `/topics/${encodeURIComponent(topic)}`;
  const params = { partition, q: search };
  const place =
    from === 'offset' || from === 'time' || from === 'group'
      ? `${from}:${from === 'time' ? Date.parse(`${at}Z`) || 0 : at}`
      : from;

  const load = (places?: Page['next']): void => {
    get<Page>(`${path}/messages`, {
      ...params,
      from: place,
      ...(places ? { places: JSON.stringify(places) } : {}),
    }).then((found) => {
      setPage(found);
      setError(undefined);
      setRows((before) => (places ? [...before, ...found.messages].slice(-most) : found.messages));
    }, setError);
  };
  useEffect(() => {
    setRows([]);
    setPage(undefined);
    setSkipped(0);
    const isReady = from === 'latest' || from === 'earliest' || at !== '';
    if (!isLive && isReady) load();
  }, [topic, place, search, partition]);
  useStream(isLive && !isPaused ? `${path}/tail` : undefined, params, {
    messages(data: { messages: MessageRow[]; skipped: number }) {
      setSkipped((before) => before + data.skipped);
      setRows((before) => [...data.messages.toReversed(), ...before].slice(0, most));
    },
    failed: (data: { error: string }) => setError(new Error(data.error)),
  });

  return (
    <section aria-label="Messages">
      <h3>Messages</h3>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ search: draft });
        }}
      >
        <label>
          From{' '}
          <select value={from} onChange={(event) => setQuery({ from: event.currentTarget.value, at: '' })}>
            <option value="live">live</option>
            <option value="latest">newest</option>
            <option value="earliest">oldest</option>
            <option value="offset">offset</option>
            <option value="time">time (UTC)</option>
            <option value="group">what a group has not consumed</option>
          </select>
        </label>
        {from === 'time' && (
          <label>
            Time{' '}
            <input type="datetime-local" value={at} onChange={(event) => setQuery({ at: event.currentTarget.value })} />
          </label>
        )}
        {(from === 'offset' || from === 'group') && (
          <label>
            {from === 'group' ? 'Group' : 'Offset'}{' '}
            <input type="text" value={at} onChange={(event) => setQuery({ at: event.currentTarget.value })} />
          </label>
        )}
        <label>
          Partition{' '}
          <select value={partition} onChange={(event) => setQuery({ partition: event.currentTarget.value })}>
            <option value="">all</option>
            {Array.from({ length: Math.min(partitions, 1_000) }, (_, index) => (
              <option key={index} value={String(index)}>
                {index}
              </option>
            ))}
          </select>
        </label>
        {session.showPayloads && (
          <label>
            Search{' '}
            <input
              type="search"
              data-filter
              value={draft}
              onInput={(event) => setDraft(event.currentTarget.value)}
              placeholder="key, value, headers"
            />
          </label>
        )}
        {session.showPayloads && <button type="submit">Search</button>}
        {isLive ? (
          <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        ) : (
          <button type="button" onClick={() => load()}>
            Again
          </button>
        )}
      </form>
      {!session.showPayloads && <p class="note">Keys, values and headers are not shown: ops.showPayloads is off.</p>}
      {error && <Failure error={error} />}
      {skipped > 0 && <p class="note">{skipped.toLocaleString('en-US')} messages came too fast to be shown.</p>}
      {search !== '' && page && (
        <p class="note">{page.scanned.toLocaleString('en-US')} messages were looked through.</p>
      )}
      {rows.length === 0 && !error && (
        <p class="empty">{isLive ? 'Waiting for messages ...' : page ? 'No message here.' : 'Say where to begin.'}</p>
      )}
      <ol class="messages" aria-live={isLive ? 'polite' : undefined}>
        {rows.map((row) => (
          <li key={`${row.partition}:${row.offset}`}>
            <details>
              <summary>
                <span class="place">
                  {row.partition}:{row.offset}
                </span>{' '}
                <time>{time(row.timestamp)}</time> {row.key && <b>{textOf(row.key).slice(0, 60)}</b>}{' '}
                <span class="preview">{row.isHidden ? `${row.size ?? 0} bytes` : previewOf(row)}</span>
              </summary>
              <Value row={row} />
            </details>
          </li>
        ))}
      </ol>
      {!isLive && page?.next && (
        <button type="button" onClick={() => load(page.next)}>
          {from === 'latest' ? 'Older ones' : 'Further ones'}
        </button>
      )}
    </section>
  );
}

function previewOf({ value, decoded, size }: MessageRow): string {
  if (decoded) return decoded[0] ?? '';
  if (!value) return size === null ? 'null (a tombstone)' : '';
  return textOf(value).slice(0, 200);
}
