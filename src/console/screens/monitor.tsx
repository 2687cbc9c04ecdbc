// Commands of all clients as they run, with filters. The newest is on top.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useStream } from '../api';
import { time } from '../format';
import { Failure } from '../parts';

interface Line {
  readonly at: number;
  readonly address: string;
  readonly words: readonly string[];
  readonly hidden: number;
}

/** Lines kept on the page. */
const most = 300;

export function MonitorView(): JSX.Element {
  const [isOn, setOn] = useState(false);
  const [filter, setFilter] = useState({ q: '', command: '', address: '' });
  const [lines, setLines] = useState<readonly Line[]>([]);
  const [skipped, setSkipped] = useState(0);
  const [error, setError] = useState<Error>();
  useStream(isOn ? '/monitor' : undefined, filter, {
    lines(data: { lines: Line[]; skipped: number }) {
      setSkipped((before) => before + data.skipped);
      setLines((before) => [...data.lines.toReversed(), ...before].slice(0, most));
    },
    failed: (data: { error: string }) => setError(new Error(data.error)),
  });
  const field = (name: keyof typeof filter, label: string): JSX.Element => (
    <label>
      {label}{' '}
      <input value={filter[name]} onChange={(event) => setFilter({ ...filter, [name]: event.currentTarget.value })} />
    </label>
  );
  return (
    <section aria-label="Monitor">
      <h3>Commands as they run</h3>
      <div class="tools">
        {field('command', 'Command')}
        {field('address', 'Address begins with')}
        {field('q', 'Holds')}
        <button type="button" aria-pressed={isOn} onClick={() => setOn(!isOn)}>
          {isOn ? 'Stop' : 'Watch'}
        </button>
      </div>
      {error && <Failure error={error} />}
      {skipped > 0 && <p class="note">{skipped.toLocaleString('en-US')} commands came too fast to be shown.</p>}
      {lines.length === 0 && (
        <p class="empty">{isOn ? 'Waiting for commands ...' : 'Watching costs time of the process: press Watch.'}</p>
      )}
      <ol class="messages">
        {lines.map((line) => (
          <li key={`${line.at} ${line.address}`}>
            <time>{time(Math.round(line.at))}</time> <span class="place">{line.address}</span>{' '}
            <span class="preview">
              {line.words.map((word) => JSON.stringify(word)).join(' ')}
              {line.hidden > 0 && ` ... ${line.hidden} arguments are not shown`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
