/** `host:port`, `[::1]:port`, `:port` or a host alone. @returns the host without brackets; port undefined: there is none */
export function splitAddress(text: string): { host: string; port: number | undefined } {
  const colon = text.lastIndexOf(':');
  const host = (colon < 0 ? text : text.slice(0, colon)).replace(/^\[|\]$/g, '');
  return { host, port: colon < 0 ? undefined : Number(text.slice(colon + 1)) };
}
