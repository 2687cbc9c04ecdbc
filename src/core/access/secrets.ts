// Secrets in files: every secret key has a twin that names a file, `resp.requirepassFile`, `sasl.passwordFile`. Read at the start and on SIGHUP.

/** librdkafka properties that are secrets. */
export const secretProperties: readonly string[] = [
  'sasl.password',
  'sasl.oauthbearer.client.secret',
  'ssl.key.password',
  'ssl.keystore.password',
  'ssl.key.pem',
];

type Table = Record<string, unknown>;

/**
 * The table with its secrets in place of the files that hold them. A line end behind a secret is none of it.
 * @param read gets a file's text
 * @throws Error naming the key: it stands beside its twin, the file can't be read, or holds nothing
 */
export function withSecrets<T extends Table>(table: T, keys: readonly string[], read: (path: string) => string): T {
  const found: Table = { ...table };
  for (const key of keys) {
    const twin = `${key}File`;
    const path = found[twin];
    if (path === undefined) continue;
    if (found[key] !== undefined) throw new Error(`${twin}: ${key} is set as well: leave one of them out`);
    found[key] = secretOf(twin, String(path), read);
    delete found[twin];
  }
  return found as T;
}

/** @throws Error as withSecrets() */
export function secretOf(key: string, path: string, read: (path: string) => string): string {
  let text: string;
  try {
    text = read(path);
  } catch (error) {
    throw new Error(`${key}: ${(error as Error).message}`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new Error(`${key}: ${path} is empty`);
  return secret;
}
