// A table with its downloads. An empty one says what to do.
import type { ComponentChildren, JSX } from 'preact';

interface Column<T> {
  readonly title: string;
  /** What is downloaded, and shown where there is no cell. null: unknown. */
  readonly value: (row: T) => string | number | null;
  readonly cell?: (row: T) => ComponentChildren;
  readonly isNumber?: boolean;
}

interface Props<T> {
  readonly name: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly empty: ComponentChildren;
}

export function Table<T>({ name, rows, columns, empty }: Props<T>): JSX.Element {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <div class="tablebox">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls with the keyboard */}
      <section class="scroll" tabIndex={0} aria-label={name}>
        <table>
          <thead>
            <tr>
              {columns.map(({ title, isNumber }) => (
                <th key={title} scope="col" class={isNumber ? 'number' : ''}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <tr key={index}>
                {columns.map(({ title, value, cell, isNumber }) => {
                  const content = cell ? cell(row) : value(row);
                  return (
                    <td key={title} class={isNumber ? 'number' : ''}>
                      {content === null ? (
                        <Unknown />
                      ) : typeof content === 'number' ? (
                        content.toLocaleString('en-US')
                      ) : (
                        content
                      )}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="downloads">
        <button type="button" onClick={() => save(`${name}.csv`, 'text/csv', csvOf(rows, columns))}>
          CSV
        </button>
        <button type="button" onClick={() => save(`${name}.json`, 'application/json', jsonOf(rows, columns))}>
          JSON
        </button>
      </p>
    </div>
  );
}

const Unknown = (): JSX.Element => <span class="unknown">unknown</span>;

const records = <T,>(rows: readonly T[], columns: readonly Column<T>[]): Record<string, unknown>[] =>
  rows.map((row) => Object.fromEntries(columns.map(({ title, value }) => [title, value(row)])));

const jsonOf = <T,>(rows: readonly T[], columns: readonly Column<T>[]): string =>
  JSON.stringify(records(rows, columns), null, 2);

/** A text that begins like a formula gets an apostrophe: spreadsheets would run it. */
function csvOf<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const cell = (value: unknown): string => {
    const text = String(value ?? '');
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = rows.map((row) => columns.map(({ value }) => cell(value(row))).join(','));
  return [columns.map(({ title }) => cell(title)).join(','), ...lines, ''].join('\r\n');
}

function save(name: string, type: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
