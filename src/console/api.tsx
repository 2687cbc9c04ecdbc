// Requests to the API of the process that serves this page. All addresses are relative: the page works below a path prefix.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Params = Readonly<Record<string, string | number | undefined>>;

function addressOf(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    if (value !== undefined && value !== '') query.set(name, String(value));
  const text = query.toString();
  return `../api/v1${path}${text === '' ? '' : `?${text}`}`;
}

/** Actions carry it; GET /session gives it. */
let token = '';

export const setToken = (value: string): void => {
  token = value;
};

export async function ask<T>(method: string, path: string, params?: Params, body?: object): Promise<T> {
  const response = await fetch(addressOf(path, params), {
    method,
    headers: { 'content-type': 'application/json', ...(method === 'GET' ? {} : { 'x-csrf-token': token }) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const reply = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, reply.code ?? '', reply.error ?? response.statusText);
  return reply as T;
}

export const get = <T,>(path: string, params?: Params): Promise<T> => ask<T>('GET', path, params);

export interface Data<T> {
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly reload: () => void;
}

/** Asks for a resource, and again at intervals while the page is visible. @param everyMs 0: once */
export function useData<T>(path: string, params: Params = {}, everyMs = 0): Data<T> {
  const [state, setState] = useState<{ data?: T; error?: Error }>({});
  const key = addressOf(path, params);
  const current = useRef(key);
  const load = useCallback(() => {
    current.current = key;
    get<T>(path, params).then(
      (data) => current.current === key && setState({ data }),
      (error) => current.current === key && setState((before) => ({ ...before, error })),
    );
  }, [key]);
  useEffect(() => {
    setState({});
    load();
    if (everyMs === 0) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && load(), everyMs);
    return () => clearInterval(timer);
  }, [key, everyMs]);
  return { data: state.data, error: state.error, reload: load };
}

/** Receives the events of a stream until the component goes. */
export function useStream(
  path: string | undefined,
  params: Params,
  events: Readonly<Record<string, (data: never) => void>>,
): void {
  const address = path === undefined ? undefined : addressOf(path, params);
  const latest = useRef(events);
  latest.current = events;
  useEffect(() => {
    if (address === undefined) return;
    const source = new EventSource(address);
    for (const name of Object.keys(latest.current))
      source.addEventListener(name, (event) =>
        latest.current[name]?.(JSON.parse((event as MessageEvent).data) as never),
      );
    return () => source.close();
  }, [address]);
}
