// Reads configuration files and merges them.
import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { fail } from '../../errors.js';
import { type RelayConfig, type RelayFlags, relaySection, resolveRelayConfig } from './config.js';

export interface LoadedConfig {
  readonly config: RelayConfig;
  /** Unknown keys, as paths: worth a warning. */
  readonly unknownKeys: readonly string[];
}

type Table = Record<string, unknown>;

/** Reads TOML files in order, later ones override key by key (arrays as a whole), then flags. @throws GatewayError `relay-config` */
export async function loadRelayConfig(
  paths: readonly string[],
  flags: RelayFlags,
  memoryBytes?: number,
): Promise<LoadedConfig> {
  let raw: Table = {};
  for (const path of paths) raw = merge(raw, await readToml(path));
  return { config: resolveRelayConfig(raw, flags, memoryBytes), unknownKeys: unknownKeys(raw) };
}

async function readToml(path: string): Promise<Table> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fail('relay-config', `cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw fail('relay-config', `${path}, line ${error.line}: ${error.message.split('\n')[0]}`);
  }
}

const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

export function merge(under: Table, over: Table): Table {
  const merged: Table = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isTable(old) && isTable(value) ? merge(old, value) : value;
  }
  return merged;
}

/** kaf-relay ignores unknown keys, so its users' files may contain some. */
function unknownKeys(raw: unknown): string[] {
  const found: string[] = [];
  const look = (value: unknown, known: z.ZodObject, path: string): void => {
    if (!isTable(value)) return;
    for (const key of Object.keys(value)) if (!(key in known.shape)) found.push(`${path}${key}`);
  };
  if (!isTable(raw)) return found;
  look(raw, relaySection, '');
  look(raw.app, relaySection.shape.app, 'app.');
  look(raw.source_pool, relaySection.shape.source_pool, 'source_pool.');
  look(raw.target, relaySection.shape.target, 'target.');
  const sources = Array.isArray(raw.sources) ? raw.sources : [];
  const source = relaySection.shape.sources.out.element as z.ZodObject;
  sources.forEach((entry, index) => {
    look(entry, source, `sources[${index}].`);
  });
  return found;
}
