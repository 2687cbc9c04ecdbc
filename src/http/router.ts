// Finds the operation of a path: exact paths, each for the default cluster and under /clusters/<name>.
import { fail } from '../errors.js';
import type { Route } from './route.js';

export interface Found {
  /** By HTTP method. */
  readonly methods: ReadonlyMap<string, Route>;
  /** Absent: the default one. */
  readonly cluster?: string;
  /** Empty if the path has none. */
  readonly topic: string;
}

/** Routes by their path's form, `/topics/{topic}/messages`: the topic is its second part, and the only variable one. */
export class Router {
  readonly #forms = new Map<string, Map<string, Route>>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const form = route.path.replace('{topic}', '*');
      const methods = this.#forms.get(form) ?? new Map<string, Route>();
      this.#forms.set(form, methods.set(route.method, route));
    }
  }

  /** @returns undefined for an unknown path. @throws GatewayError `request-invalid` for a broken percent escape */
  find(path: string): Found | undefined {
    const parts = path.split('/');
    const clustered = parts[1] === 'clusters';
    const cluster = clustered ? unescaped(parts[2] ?? '') : undefined;
    if (clustered) parts.splice(1, 2);
    const topic = unescaped(parts[2] ?? '');
    if (cluster === '' || (topic === '' && parts.length > 2)) return undefined;
    const methods = this.#forms.get(formOf(parts));
    return methods && { methods, topic, ...(cluster === undefined ? {} : { cluster }) };
  }
}

function formOf(parts: readonly string[]): string {
  if (parts.length === 2) return `/${parts[1]}`;
  return parts.length === 3 ? `/${parts[1]}/*` : `/${parts[1]}/*/${parts.slice(3).join('/')}`;
}

/** A path without empty parts and dots, as upstream's router redirects to it. It begins with one slash: it cannot name another host. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}${parts.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

/** A name cannot contain an escaped slash. */
function unescaped(part: string): string {
  if (!part.includes('%')) return part;
  try {
    const text = decodeURIComponent(part);
    return text.includes('/') ? '' : text;
  } catch {
    throw fail('request-invalid', `parse path: invalid URL escape in ${JSON.stringify(part)}`);
  }
}
