// Suggests the property for a misspelt one; librdkafka itself does not.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { nearest } from '../core/nearest.js';

/** Text to append to librdkafka's error about an unknown property; empty for any other error. */
export function suggestion(complaint: string): string {
  const name = /No such configuration property: "([^"]+)"/.exec(complaint)?.[1];
  const known = name === undefined ? [] : propertyNames();
  return name === undefined || known.length === 0 ? '' : `: did you mean ${nearest(name, known)}?`;
}

/** As the binding's own declarations list them; empty if an installation lacks them. */
function propertyNames(): string[] {
  try {
    const declarations = readFileSync(createRequire(import.meta.url).resolve('node-rdkafka/config.d.ts'), 'utf8');
    return [...new Set([...declarations.matchAll(/"([a-z0-9._]+)"\?:/g)].map(([, name]) => name!))];
  } catch {
    return [];
  }
}
