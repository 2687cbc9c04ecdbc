// A message's value as text, JSON, hex or decoded BMP.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { bytes } from '../format';
import type { Bytes, MessageRow } from '../types';

const toBytes = ({ base64 }: Bytes): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

export const textOf = (value: Bytes): string => new TextDecoder().decode(toBytes(value));

type View = 'text' | 'JSON' | 'hex' | 'BMP';

export function Value({ row }: { row: MessageRow }): JSX.Element {
  const { value, decoded, headers = [], isMasked, size, isHidden } = row;
  const json = value ? jsonOf(textOf(value)) : undefined;
  const views: View[] = [
    ...(decoded ? (['BMP'] as const) : []),
    ...(json === undefined ? [] : (['JSON'] as const)),
    'text',
    'hex',
  ];
  const [view, setView] = useState<View>(views[0]!);
  if (isHidden) return <p class="empty">Payloads are not shown.</p>;
  return (
    <div class="value">
      {headers.length > 0 && (
        <dl class="headers">
          {headers.map((header, index) => (
            <div key={index}>
              <dt>{header.key}</dt>
              <dd>{header.value ? textOf(header.value) : 'null'}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="views">
        {views.map((each) => (
          <button type="button" key={each} aria-pressed={view === each} onClick={() => setView(each)}>
            {each}
          </button>
        ))}{' '}
        {bytes(size)}
        {value?.isCut ? ', shown in part' : ''}
        {isMasked ? ', with hidden fields' : ''}
      </p>
      {!value ? (
        <p class="empty">null: a tombstone.</p>
      ) : view === 'JSON' ? (
        <Json value={json} />
      ) : (
        <pre>{view === 'BMP' ? decoded?.join('\n') : view === 'hex' ? hexOf(toBytes(value)) : textOf(value)}</pre>
      )}
    </div>
  );
}

function jsonOf(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Objects and lists fold. */
function Json({ value, name }: { value: unknown; name?: string }): JSX.Element {
  const label = name === undefined ? '' : `${name}: `;
  if (typeof value !== 'object' || value === null)
    return (
      <div class="json">
        {label}
        <code>{JSON.stringify(value)}</code>
      </div>
    );
  const entries = Object.entries(value);
  return (
    <details class="json" open={entries.length <= 20}>
      <summary>
        {label}
        {Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`}
      </summary>
      {entries.slice(0, 1_000).map(([key, each]) => (
        <Json key={key} name={key} value={each} />
      ))}
    </details>
  );
}

function hexOf(value: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(value.length, 16_384); at += 16) {
    const part = [...value.subarray(at, at + 16)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join('\n');
}
