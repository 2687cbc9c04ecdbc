// The address of the relay's metrics, as kaf-relay's files write it.
import { fail } from '../../errors.js';

export interface ListenAddress {
  /** Absent: every address of the machine. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Go's listen address: `:7081`, `127.0.0.1:7081`, `[::1]:7081`. @throws GatewayError `relay-config` */
export function parseListenAddress(text: string): ListenAddress {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (!found || Number(found[3]) > 65_535)
    throw fail('relay-config', `app.metrics_server_addr '${text}': write host:port or :port`);
  const host = found[1] ?? found[2];
  return { host: host || undefined, port: Number(found[3]) };
}
