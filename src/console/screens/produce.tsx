// Sends one message.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api';
import { Failure } from '../parts';

export function Produce({ topic, onDone }: { topic: string; onDone: () => void }): JSX.Element {
  const [result, setResult] = useState<{ partition: number; offset: number } | Error>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const key = String(form.get('key'));
    ask<{ partition: number; offset: number }>(
      'POST',
      `/topics/${encodeURIComponent(topic)}/messages`,
      {},
      {
        key: key === '' ? null : key,
        value: String(form.get('value')),
      },
    ).then((sent) => {
      setResult(sent);
      onDone();
    }, setResult);
  };
  return (
    <details class="produce">
      <summary>Send a message</summary>
      <form onSubmit={submit}>
        <label>
          Key (empty: none) <input name="key" />
        </label>
        <label>
          Value <textarea name="value" rows={3} />
        </label>
        <button type="submit">Send</button>
      </form>
      {result instanceof Error ? (
        <Failure error={result} />
      ) : (
        result && (
          <p role="status">
            Kafka has it: partition {result.partition}, offset {result.offset}.
          </p>
        )
      )}
    </details>
  );
}
