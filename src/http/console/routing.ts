// Finds the resource of a path: parts are equal, or are a name in braces.
import { fail } from '../../errors.js';
import type { Resource, Stream } from './resource.js';

export interface Found {
  readonly resource: Resource | Stream;
  readonly path: Readonly<Record<string, string>>;
}

/** @returns `method`: the path exists, with another method. @throws GatewayError `request-invalid` for a broken percent escape */
export function findResource(
  resources: readonly (Resource | Stream)[],
  path: string,
  method: string,
): Found | 'method' | undefined {
  let isOther = false;
  for (const resource of resources) {
    const names = namesOf(resource.path, path);
    if (!names) continue;
    if (method === ('method' in resource ? resource.method : 'GET')) return { resource, path: names };
    isOther = true;
  }
  return isOther ? 'method' : undefined;
}

function namesOf(form: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [form.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const names: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const text = given[index]!;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined && part !== text) return undefined;
    if (name !== undefined) names[name] = unescaped(text);
  }
  return names;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail('request-invalid', `parse path: invalid URL escape in ${JSON.stringify(text)}`);
  }
}
