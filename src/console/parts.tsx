// Small parts that screens share.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError } from './api';
import { setQuery } from './route';

/** A line of the last values. */
export function Spark({ values, label }: { values: readonly number[]; label: string }): JSX.Element | null {
  if (values.length < 2) return null;
  const most = Math.max(...values, 1e-9);
  const points = values.map(
    (value, index) => `${((index / (values.length - 1)) * 100).toFixed(1)},${(19 - (value / most) * 18).toFixed(1)}`,
  );
  return (
    <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label={label}>
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}

/** Why there is nothing to see. Forbidden is not the same as failed. */
export function Failure({ error }: { error: Error }): JSX.Element {
  const status = error instanceof ApiError ? error.status : 0;
  const what =
    status === 403
      ? 'Not permitted'
      : status === 503
        ? 'Kafka does not answer'
        : status === 0
          ? 'The process does not answer'
          : 'It failed';
  return (
    <p class="failure" role="alert">
      <strong>{what}:</strong> {error.message}
    </p>
  );
}

/** Waits, fails or shows. */
export function Shown<T>({
  data,
  error,
  children,
}: {
  data: T | undefined;
  error: Error | undefined;
  children: (data: T) => ComponentChildren;
}): JSX.Element {
  return (
    <>
      {error && <Failure error={error} />}
      {data === undefined ? !error && <p class="empty">Loading ...</p> : children(data)}
    </>
  );
}

/** Filters a list on the server; `/` leads here. */
export function Filter({ value, label }: { value: string; label: string }): JSX.Element {
  return (
    <label class="filter">
      <span>{label}</span>
      <input
        type="search"
        data-filter
        value={value}
        onInput={(event) => setQuery({ q: event.currentTarget.value, page: 0 })}
      />
    </label>
  );
}

export function Pager({ page, size, total }: { page: number; size: number; total: number }): JSX.Element {
  const last = Math.max(0, Math.ceil(total / size) - 1);
  return (
    <nav class="pager" aria-label="Pages">
      <button type="button" disabled={page === 0} onClick={() => setQuery({ page: page - 1 })}>
        Previous
      </button>
      <span>
        {total === 0
          ? 'none'
          : `${page * size + 1} to ${Math.min(total, (page + 1) * size)} of ${total.toLocaleString('en-US')}`}
      </span>
      <button type="button" disabled={page >= last} onClick={() => setQuery({ page: page + 1 })}>
        Next
      </button>
    </nav>
  );
}

/** A line to copy. */
export function Copy({ text }: { text: string }): JSX.Element {
  const [isDone, setDone] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => setDone(true),
      () => {},
    );
  };
  return (
    <div class="copy">
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label={`Copy: ${text}`}>
        {isDone ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
