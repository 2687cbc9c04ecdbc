// The ops endpoints: /healthz, /readyz and /metrics, for the REST listener and for a port of their own.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { within } from '../core/clock.js';
import type { Listener } from '../core/listener.js';
import type { Clock } from '../core/ports.js';
import { own } from '../core/promises.js';
import type { Stats } from '../core/stats/stats.js';
import type { Log } from '../log.js';
import { defaultLimits, type HttpLimits, type OpsConfig } from './config.js';
import type { Console } from './console/console.js';
import { type BoundServer, closeListener, listenTcp } from './listeners.js';
import { createMetrics, metricsText } from './metrics.js';

export interface OpsAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What an ops port answers. */
export interface OpsEndpoints {
  /** @param path without a query */
  answer(method: string | undefined, path: string): Promise<OpsAnswer>;
  /** The process is stopping: it is no longer ready. */
  drain(): void;
}

/** How long a cluster may take to answer before it counts as lost, ms: with its age an answer is at most 5 s old. */
const probeMs = 2_500;
/** Maximum age of an answer, ms: there may be many requests. */
const maxAgeMs = 1_000;
const text = 'text/plain; charset=utf-8';
/** A monitor that reads only /readyz must not take it for a Kafka that stores anything. */
const embeddedNote = 'embedded Kafka: nothing is kept when it ends\n';

/** The other processes of the gateway. */
export interface OpsWorkers {
  /** Their metrics in prom-client's JSON, one list each. */
  metrics(): Promise<readonly object[]>;
  /** How many of them serve. */
  readonly serving: number;
}

export interface OpsOptions {
  /** By cluster name: rejects if it does not serve; otherwise returns other problems, one line each. */
  readonly probes: ReadonlyMap<string, () => Promise<readonly string[]>>;
  /** Why the program is not ready although its clusters are, one line each; empty: it is. */
  readonly problems?: () => readonly string[];
  /** What else is wrong with parts on which readiness does not depend, one line each. */
  readonly notes?: () => readonly string[];
  readonly stats: Stats;
  /** A cluster runs inside the process, in memory. */
  readonly embedded?: boolean;
  /** The processes that serve RESP, if it is not this one. */
  readonly workers?: OpsWorkers;
  readonly clock: Clock;
}

interface ClusterState {
  /** Why it does not serve. */
  readonly lost?: string;
  readonly notes: readonly string[];
}

export class Ops implements OpsEndpoints {
  readonly endpoints: Readonly<Record<string, () => Promise<OpsAnswer>>>;
  /** The metrics of this process. */
  readonly metrics: Registry;
  readonly #options: OpsOptions;
  #readiness: Promise<OpsAnswer> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #draining = false;

  constructor(options: OpsOptions) {
    this.#options = options;
    const metrics = createMetrics(options.stats);
    this.metrics = metrics;
    this.endpoints = {
      '/healthz': async () => ({ status: 200, type: text, body: 'ok\n' }),
      '/readyz': () => this.#ready(),
      '/metrics': async () => ({
        status: 200,
        type: metrics.contentType,
        body: await metricsText(metrics, options.workers),
      }),
    };
  }

  async answer(method: string | undefined, path: string): Promise<OpsAnswer> {
    const endpoint = method === 'GET' ? this.endpoints[path] : undefined;
    return endpoint ? endpoint() : { status: 404, type: text, body: '404 page not found\n' };
  }

  drain(): void {
    this.#draining = true;
  }

  #ready(): Promise<OpsAnswer> {
    if (this.#draining) return Promise.resolve({ status: 503, type: text, body: 'service is shutting down\n' });
    const now = this.#options.clock.monotonic();
    if (!this.#readiness || now - this.#askedAt > maxAgeMs) {
      this.#askedAt = now;
      this.#readiness = this.#probe();
    }
    return this.#readiness;
  }

  async #probe(): Promise<OpsAnswer> {
    const { probes, workers, problems = () => [] } = this.#options;
    if (workers?.serving === 0) return { status: 503, type: text, body: 'no worker is running\n' };
    const states = await Promise.all([...probes].map(([name, ask]) => this.#ask(name, ask)));
    const lost = [...states.flatMap(({ lost = [] }) => lost), ...problems()];
    const notes = [...states.flatMap((state) => state.notes), ...(this.#options.notes?.() ?? [])];
    const note = this.#options.embedded ? embeddedNote : '';
    const isReady = lost.length === 0;
    const lines = [...(isReady ? ['ok'] : lost), ...notes];
    return { status: isReady ? 200 : 503, type: text, body: `${lines.join('\n')}\n${note}` };
  }

  async #ask(name: string, ask: () => Promise<readonly string[]>): Promise<ClusterState> {
    try {
      const notes = await within(this.#options.clock, probeMs, ask());
      if (notes) return { notes: notes.map((note) => `cluster ${name}: ${note}`) };
      return { notes: [], lost: `cluster ${name}: no broker answers within ${probeMs} ms` };
    } catch (error) {
      return { notes: [], lost: `cluster ${name}: ${(error as Error).message}` };
    }
  }
}

type OpsAddress = Pick<OpsConfig, 'host' | 'port'> & Partial<Pick<OpsConfig, 'orAnyPort'>>;

/** The ops endpoints on a port of their own. */
export class OpsServer implements Listener {
  readonly name = 'ops';
  readonly #ops: OpsEndpoints;
  readonly #settings: OpsAddress;
  readonly #log: Log;
  readonly #console: Console | undefined;
  readonly #limits: HttpLimits;
  #server: BoundServer | undefined;

  /** @param console absent: none is served */
  constructor(ops: OpsEndpoints, settings: OpsAddress, log: Log, console?: Console, limits = defaultLimits) {
    this.#console = console;
    this.#limits = limits;
    this.#ops = ops;
    this.#settings = settings;
    this.#log = log;
  }

  get addresses(): readonly string[] {
    return this.#server ? [this.#server.address] : [];
  }

  /** Where a browser finds the console; undefined: nowhere. */
  get consoleAddress(): string | undefined {
    return this.#console && this.#server ? `http://${this.#server.address}/console/` : undefined;
  }

  get address(): string | undefined {
    return this.#server?.address;
  }

  async start(): Promise<void> {
    this.#server = await this.#listen((request, response) => {
      if (this.#console?.serve(request, response)) return;
      own(this.#answer(request, response), (err) => {
        this.#log.error({ err }, 'An ops request failed: this is a bug');
        response.destroy();
      });
    });
    this.#console?.attach(this.#server.server);
    const { address } = this.#server;
    const console = this.#console ? { console: `http://${address}/console/` } : {};
    this.#log.info({ address, ...console }, 'ops endpoints are served');
  }

  #listen(serve: RequestListener): Promise<BoundServer> {
    const listening = listenTcp(this.#settings, this.#limits, serve);
    if (!this.#settings.orAnyPort) return listening;
    return listening.catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      return listenTcp({ ...this.#settings, port: 0 }, this.#limits, serve);
    });
  }

  async #answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#ops.answer(method, url?.split('?', 1)[0] ?? '');
    response.writeHead(status, { 'content-type': type }).end(body);
  }

  async drain(): Promise<void> {
    this.#ops.drain();
    this.#console?.drain();
  }

  async closeConsumers(): Promise<void> {}

  async stopListening(): Promise<void> {}

  /** Last: a probe may ask until the end. */
  async close(): Promise<number> {
    await this.#console?.close();
    if (this.#server) await closeListener(this.#server);
    return 0;
  }
}
