// Progress and summary as text: a bar on a terminal, a line elsewhere.

/** Sums over all topics. */
export interface ProgressState {
  readonly messages: number;
  readonly bytes: number;
  readonly filtered: number;
  readonly skipped: number;
  /** Messages still to read; undefined while no source is connected. */
  readonly remaining: number | undefined;
  /** Open transactions of sources that hide what follows them. */
  readonly hidden: readonly string[];
  /** Since the start. */
  readonly seconds: number;
  /** Recent messages a second. */
  readonly rate: number;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${String(Math.round(seconds) % 60).padStart(2, '0')}s`;
  return `${Math.floor(seconds / 3_600)}h${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}m`;
}

/** `12,345 messages, 1.2 MiB, 4,100/s, 1,000 to go, 1s left` */
export function progressLine(state: ProgressState): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  const left =
    state.remaining !== undefined && state.remaining > 0 && state.rate > 0
      ? `, ${formatSeconds(state.remaining / state.rate)} left`
      : '';
  const remaining = state.remaining === undefined ? 'waiting for a source' : `${number(state.remaining)} to go`;
  const hidden = state.hidden.length > 0 ? `, waits for an open transaction at ${state.hidden.join(', ')}` : '';
  return `${number(state.messages)} messages, ${formatBytes(state.bytes)}, ${number(state.rate)}/s, ${remaining}${left}${hidden}`;
}

/** The line behind a bar, cut to the terminal's width. */
export function progressBar(state: ProgressState, columns: number): string {
  const done = state.messages + state.filtered + state.skipped;
  const total = done + (state.remaining ?? 0);
  const share = total === 0 ? (state.remaining === undefined ? 0 : 1) : done / total;
  const width = 24;
  const filled = Math.floor(share * width);
  const bar = `[${'='.repeat(filled)}${' '.repeat(width - filled)}] ${String(Math.floor(share * 100)).padStart(3)}% `;
  return (bar + progressLine(state)).slice(0, Math.max(20, columns - 1));
}

export function summaryLine(topics: number, failed: number, state: ProgressState): string {
  const bad = failed > 0 ? ` (${failed} stopped with an error)` : '';
  return `relayed ${topics} topic${topics === 1 ? '' : 's'}${bad}: ${state.messages} messages, ${state.bytes} bytes in ${state.seconds.toFixed(1)} s, ${state.skipped} skipped, ${state.filtered} filtered`;
}
