// The address holds the state of the page, so that it can be kept and sent: `#/topics/orders?from=earliest`.
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** `topics`, `orders`, ... unescaped. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

function current(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const changed = (): void => setRoute(current());
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

export const linkTo = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

/** Changes a part of the state; empty: it goes. A new page of the history only for other paths. */
export function setQuery(changes: Readonly<Record<string, string | number>>): void {
  const { parts, query } = current();
  for (const [name, value] of Object.entries(changes)) {
    if (value === '' || value === 0) query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  history.replaceState(null, '', `${linkTo(...parts)}${text === '' ? '' : `?${text}`}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}
