// Sets a group's positions in a topic: first a preview, then, with the typed name, the act.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api';
import { Failure } from '../parts';
import { Table } from '../table';

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly committed: number | null;
  readonly next: number;
}

interface Plan {
  readonly topic: string;
  readonly to: string;
  readonly at: number;
  readonly rows: readonly Row[];
  readonly isDone: boolean;
}

export function Reset({
  group,
  topics,
  onDone,
}: {
  group: string;
  topics: readonly string[];
  onDone: () => void;
}): JSX.Element {
  const [to, setTo] = useState('earliest');
  const [plan, setPlan] = useState<Plan>();
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<Error>();
  const send = (wanted: { topic: string; to: string; at: number }, more: object): void => {
    ask<{ rows: Row[]; isDone: boolean }>(
      'POST',
      `/groups/${encodeURIComponent(group)}/reset`,
      {},
      { ...wanted, ...more },
    ).then((found) => {
      setError(undefined);
      setPlan({ ...wanted, ...found });
      if (found.isDone) onDone();
    }, setError);
  };
  const preview = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = String(form.get('at') ?? '');
    send(
      { topic: String(form.get('topic')), to, at: to === 'time' ? Date.parse(`${text}Z`) || 0 : Number(text || 0) },
      { preview: true },
    );
  };
  const act = (event: SubmitEvent): void => {
    event.preventDefault();
    if (plan) send({ topic: plan.topic, to: plan.to, at: plan.at }, { confirm: typed });
  };
  return (
    <details class="danger">
      <summary>Reset positions</summary>
      <form class="tools" onSubmit={preview}>
        <label>
          Topic <input name="topic" list="reset-topics" required value={topics[0] ?? ''} />
        </label>
        <datalist id="reset-topics">
          {topics.map((topic) => (
            <option key={topic} value={topic} />
          ))}
        </datalist>
        <label>
          To{' '}
          <select value={to} onChange={(event) => setTo(event.currentTarget.value)}>
            <option value="earliest">earliest</option>
            <option value="latest">latest</option>
            <option value="offset">offset</option>
            <option value="time">time (UTC)</option>
          </select>
        </label>
        {to === 'offset' && (
          <label>
            Offset <input name="at" type="number" min={0} required />
          </label>
        )}
        {to === 'time' && (
          <label>
            Time <input name="at" type="datetime-local" required />
          </label>
        )}
        <button type="submit">Preview</button>
      </form>
      {error && <Failure error={error} />}
      {plan && (
        <>
          <p role="status">{plan.isDone ? 'Done: the positions are now' : 'Preview, nothing is changed yet:'}</p>
          <Table
            name="reset"
            rows={plan.rows}
            columns={[
              { title: 'Partition', value: ({ partition }) => partition, isNumber: true },
              { title: 'Committed', value: ({ committed }) => committed ?? 'none', isNumber: true },
              { title: 'New', value: ({ next }) => next, isNumber: true },
              {
                title: 'Effect',
                value: ({ committed, next }) =>
                  committed === null
                    ? 'begins there'
                    : next < committed
                      ? `reads ${committed - next} again`
                      : next > committed
                        ? `skips ${next - committed}`
                        : 'none',
              },
            ]}
            empty="The topic has no such partition."
          />
          {!plan.isDone && (
            <form onSubmit={act}>
              <label>
                Type the group's name to do it{' '}
                <input value={typed} onInput={(event) => setTyped(event.currentTarget.value)} autocomplete="off" />
              </label>
              <button type="submit" disabled={typed !== group}>
                Set the positions
              </button>
            </form>
          )}
        </>
      )}
    </details>
  );
}
