// Passwords as a users file holds them and as a request carries them.
import { createHash } from 'node:crypto';

/** A password or token as a users file holds it. */
export const hashed = (secret: string): string => `#${createHash('sha256').update(secret).digest('hex')}`;

/** The value of an Authorization header (RFC 7617). */
export const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
