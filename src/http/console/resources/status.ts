// GET /status and the stream /live: the header of every screen.
import type { Resource, Stream } from '../resource.js';

/** Interval of events, ms. */
const everyMs = 2_000;

export const status = {
  name: 'consoleStatus',
  method: 'GET',
  path: '/status',
  summary: 'Name, version, uptime, readiness with its reason, clusters with their brokers, throughput',
  run: (_request, host) => host.status.header(),
} satisfies Resource;

export const overview = {
  name: 'consoleOverview',
  method: 'GET',
  path: '/overview',
  summary: 'Rates by listener, clients, errors of the last hour by cause, event-loop lag, memory. null: unknown',
  run: (_request, host) => host.status.overview(),
} satisfies Resource;

export const live = {
  name: 'consoleLive',
  path: '/live',
  summary: 'Server-sent events: `status` and `overview`, every 2 s',
  async stream({ signal }, host, send) {
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        const cancel = host.clock.after(everyMs, resolve);
        signal.addEventListener('abort', () => resolve(cancel()), { once: true });
      });
    while (!signal.aborted) {
      send('status', await host.status.header());
      send('overview', host.status.overview());
      await next();
    }
  },
} satisfies Stream;
