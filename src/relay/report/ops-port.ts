// The port of a relay's metrics: its answers, which the ops server of src/http sends.
import type { Registry } from 'prom-client';
import type { ListenAddress } from '../config/listen-address.js';
import type { MappingView } from './mapping-view.js';

export interface OpsSource {
  /** What the console shows of each mapping. */
  mappings(): readonly MappingView[];
  metrics(): Promise<string>;
  /** Topics with their state, and whether all of them are being relayed. */
  readiness(): { ready: boolean; topics: Record<string, string> };
}

/** The server there. */
export interface OpsPort {
  /** `host:port`; undefined before it listens. */
  readonly address: string | undefined;
  /** Rejects if it cannot listen on the address. */
  start(): Promise<void>;
  close(): Promise<unknown>;
}

export interface OpsPortOptions {
  readonly address: ListenAddress;
  readonly answers: RelayAnswers;
  readonly source: OpsSource;
  readonly registry: Registry;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const type = 'text/plain; version=0.0.4; charset=utf-8';
const text = (status: number, body: string): Answer => ({ status, type, body: `${body}\n` });

/** As kaf-relay answers, with /healthz and /readyz. */
export class RelayAnswers {
  readonly #source: OpsSource;

  constructor(source: OpsSource) {
    this.#source = source;
  }

  async answer(method: string | undefined, path: string): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') return text(405, 'method not allowed');
    switch (path) {
      case '/metrics':
        return this.#source.metrics().then(
          (body) => ({ status: 200, type, body }),
          (error: unknown) => text(500, String(error)),
        );
      case '/healthz':
        return text(200, 'ok');
      case '/readyz':
        return this.#readiness();
      default:
        return text(404, 'not found');
    }
  }

  #readiness(): Answer {
    const { ready, topics } = this.#source.readiness();
    return { status: ready ? 200 : 503, type: 'application/json', body: `${JSON.stringify({ ready, topics })}\n` };
  }

  /** Its topics show that they stop. */
  drain(): void {}
}
