// Filters and pages lists on the server: details are asked for only of the rows on the page.
import { fail } from '../../errors.js';

const defaultSize = 50;
const maxSize = 100;

export interface Page {
  readonly rows: readonly string[];
  /** Names that pass the filter. */
  readonly total: number;
  readonly page: number;
  readonly size: number;
}

/** The names of one page, ascending. @throws GatewayError `request-invalid` */
export function pageOf(names: readonly string[], query: URLSearchParams): Page {
  const size = Math.min(wholeOf(query, 'size', defaultSize) || defaultSize, maxSize);
  const page = wholeOf(query, 'page', 0);
  const text = (query.get('q') ?? '').toLowerCase();
  const found = (text === '' ? names : names.filter((name) => name.toLowerCase().includes(text))).toSorted();
  return { rows: found.slice(page * size, (page + 1) * size), total: found.length, page, size };
}

/** A whole number of the query, 0 or more. @throws GatewayError `request-invalid` */
export function wholeOf(query: URLSearchParams, name: string, absent: number): number {
  const text = query.get(name);
  if (text === null || text === '') return absent;
  if (!/^\d{1,15}$/.test(text)) throw fail('request-invalid', `${name} must be a whole number, not '${text}'`);
  return Number(text);
}
