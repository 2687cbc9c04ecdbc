// Credentials: how the clients of one cluster log in, those that are open and those that are opened later. They may change while clients are open.
import type { Properties } from '../core/ports.js';
import type { NativeClient } from './native.js';

/** What may change without a restart. Certificates and keys in files are read by each client when it is opened. */
const renewable = [
  'sasl.username',
  'sasl.password',
  'sasl.oauthbearer.client.secret',
  'ssl.key.password',
  'ssl.keystore.password',
  'ssl.key.pem',
  'ssl.certificate.pem',
];

export class Credentials {
  readonly #open = new Set<NativeClient>();
  #renewed: Properties = {};

  /** Over what the configuration said at the start. */
  get renewed(): Properties {
    return this.#renewed;
  }

  /** A client is open; it logs in anew whenever it connects. */
  add(client: NativeClient): void {
    this.#open.add(client);
  }

  delete(client: NativeClient): void {
    this.#open.delete(client);
  }

  /** Open connections stay. @param properties the effective ones, of the configuration as it is now */
  renew(properties: Properties): void {
    this.#renewed = Object.fromEntries(Object.entries(properties).filter(([key]) => renewable.includes(key)));
    const { 'sasl.username': user, 'sasl.password': password } = properties;
    if (user === undefined || password === undefined) return;
    for (const client of this.#open) client.setCredentials(String(user), String(password));
  }
}
