// The REST API as a request listener: finds the operation, writes its reply, errors as JSON, Kafka-Pixy's answers to unknown paths.
//
// On node:http directly. See docs/decisions/0009.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { User } from '../core/access/user.js';
import type { MemoryBudget } from '../core/memory/memory-budget.js';
import { guard, own } from '../core/promises.js';
import type { Proxies } from '../core/queue/proxies.js';
import type { Count, LatencyHistogram } from '../core/stats/labelled-stats.js';
import type { Stats } from '../core/stats/stats.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import type { Admission } from './admission.js';
import { readBody } from './body.js';
import { goJson } from './go-json.js';
import { openApi } from './openapi.js';
import type { Ops } from './ops.js';
import { Params } from './params.js';
import { Replies } from './replies.js';
import { onEnd } from './reply-end.js';
import type { Route } from './route.js';
import { cleanPath, type Found, Router } from './router.js';
import { routes } from './routes/index.js';

export interface ApiOptions {
  readonly proxies: Proxies;
  readonly admission: Admission;
  readonly ops: Ops;
  readonly stats: Stats;
  readonly log: Log;
  readonly maxBodyBytes: number;
  /** Of what all requests that are not answered yet may take. */
  readonly requests: MemoryBudget;
  readonly version: string;
}

type Answer = { readonly status: number; readonly type: string; readonly body: string };

const json = 'application/json';
const text = 'text/plain; charset=utf-8';
/** Upstream's router redirects such paths. */
const isUnclean = /^\/(.*\/)?(\/|\.\.?(\/|$))/;
const noBody = Buffer.alloc(0);
/** A 401 requires it, and without it a client does not learn what to send. */
const challenge = ['Basic realm="rafka", charset="UTF-8"', 'Bearer realm="rafka"'];

/** One request in progress. */
interface Exchange {
  readonly user: User;
  readonly route: Route;
  readonly found: Found;
  readonly query: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Measures {
  readonly answered: Count;
  readonly latency?: LatencyHistogram;
}

export function createApi(options: ApiOptions): RequestListener {
  const api = new Api(options);
  return (request, response) => api.serve(request, response);
}

class Api {
  readonly #options: ApiOptions;
  readonly #replies = new Replies();
  readonly #router = new Router(routes);
  readonly #others: ReadonlyMap<string, () => Answer | Promise<Answer>>;
  readonly #measures: ReadonlyMap<Route, Measures>;

  constructor(options: ApiOptions) {
    const { ops, stats, version } = options;
    this.#options = options;
    const document = JSON.stringify(openApi(routes, version), null, 2);
    this.#others = new Map<string, () => Answer | Promise<Answer>>([
      ['/_ping', () => ({ status: 200, type: text, body: 'pong' })],
      ['/openapi.json', () => ({ status: 200, type: json, body: document })],
      ...Object.entries(ops.endpoints),
    ]);
    this.#measures = new Map(routes.map((route) => [route, measuresOf(stats, route)]));
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    // A proxy's form of a target names the server too.
    const url = (request.url ?? '').replace(/^https?:\/\/[^/?]*/i, '');
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    try {
      if (isUnclean.test(path)) {
        response.setHeader('Location', cleanPath(path) + url.slice(path.length));
        this.#replies.send(response, 301, text, '');
        return;
      }
      const found = this.#router.find(path);
      const route = found?.methods.get(request.method ?? '');
      if (!found) own(this.#serveOther(path, request, response), (error) => this.#fail('none', error, response));
      else if (!route) {
        response.setHeader('Allow', [...found.methods.keys()].join(', '));
        this.#replies.send(response, 405, text, '');
      } else this.#admit(route, found, mark < 0 ? '' : url.slice(mark + 1), request, response);
    } catch (error) {
      this.#fail('none', error, response);
    }
  }

  /** Before the body is read: a client that is not admitted sends none that we keep. */
  #admit(route: Route, found: Found, query: string, request: IncomingMessage, response: ServerResponse): void {
    try {
      const user = this.#options.admission.admit(request);
      const take = (admitted: User): void => this.#take({ user: admitted, route, found, query, request, response });
      if (user instanceof Promise) own(user.then(take), (error) => this.#fail(route.name, error, response));
      else take(user);
    } catch (error) {
      this.#fail(route.name, error, response);
    }
  }

  #take(exchange: Exchange): void {
    const { route, request, response } = exchange;
    if (route.method === 'GET') this.#answer(exchange, noBody);
    else
      readBody(request, response, this.#options.maxBodyBytes, this.#options.requests, (error, body) => {
        if (error) this.#fail(route.name, error, response);
        else this.#answer(exchange, body);
      });
  }

  /** Without a promise if the operation needs none. */
  #answer(exchange: Exchange, body: Buffer): void {
    const { route, response } = exchange;
    try {
      const result = this.#run(exchange, body);
      if (typeof result === 'string') this.#succeed(route, response, result);
      else own(this.#answerLater(route, response, result), (error) => this.#fail(route.name, error, response));
    } catch (error) {
      this.#fail(route.name, error, response);
    }
  }

  async #answerLater(route: Route, response: ServerResponse, result: Promise<string>): Promise<void> {
    const startedAt = performance.now();
    try {
      const reply = await result;
      this.#measures.get(route)?.latency?.observe((performance.now() - startedAt) / 1000);
      this.#succeed(route, response, reply);
    } catch (error) {
      this.#fail(route.name, error, response);
    }
  }

  #run({ user, route, found, query, request, response }: Exchange, body: Buffer): string | Promise<string> {
    const { topic, cluster } = found;
    const proxy = this.#options.proxies.for(user, cluster);
    const contentType = request.headers['content-type'] ?? '';
    const params = new Params(query, contentType, body);
    const end = (call: (sent: boolean) => void): void =>
      onEnd(request, response, (sent) =>
        guard(
          () => call(sent),
          (err) => this.#options.log.error({ err, route: route.name }, 'The end of a request failed: this is a bug'),
        ),
      );
    return route.run({ proxy, topic, params, contentType, body, raw: request, onEnd: end });
  }

  #succeed(route: Route, response: ServerResponse, reply: string): void {
    this.#measures.get(route)!.answered.value++;
    this.#replies.send(response, 200, json, reply);
  }

  #fail(route: string, error: unknown, response: ServerResponse): void {
    const { stats, log, admission } = this.#options;
    const known = error instanceof GatewayError ? error : undefined;
    const status = known?.httpStatus ?? 500;
    stats.count('http.requests', route, String(status));
    stats.count('errors', 'http', known?.code ?? 'internal');
    if (!known) log.error({ err: error, route }, 'A request failed: this is a bug');
    // The rest of such a body would be taken for the next request; and a client that may not connect must not stay.
    if (known?.code === 'body-too-large' || known?.code === 'bodies-too-large' || known?.code === 'protected-mode')
      response.shouldKeepAlive = false;
    if (known?.code === 'not-permitted') admission.denied(response.req, known.message);
    if (status === 401) response.setHeader('WWW-Authenticate', challenge);
    this.#replies.send(response, status, json, goJson({ error: known?.message ?? 'internal error' }));
  }

  /** The ping, the ops endpoints, the OpenAPI document, and unknown paths. */
  async #serveOther(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      // They contain names of topics and groups.
      if (path === '/metrics') (await this.#options.admission.admit(request)).checkAdmin();
      const { status, type, body } = await this.#otherAnswer(path, request.method);
      if (status === 405) response.setHeader('Allow', 'GET');
      this.#replies.send(response, status, type, body);
    } catch (error) {
      this.#fail('none', error, response);
    }
  }

  #otherAnswer(path: string, method: string | undefined): Answer | Promise<Answer> {
    const answer = this.#others.get(path);
    if (!answer) return { status: 404, type: text, body: '404 page not found\n' };
    return method === 'GET' ? answer() : { status: 405, type: text, body: '' };
  }
}

function measuresOf(stats: Stats, { name }: Route): Measures {
  const answered = stats.labelled('http.requests').count([name, '200']);
  if (name === 'produce') return { answered, latency: stats.latency('produce.seconds', 'http') };
  return name === 'consume' ? { answered, latency: stats.latency('consume.seconds', 'http') } : { answered };
}
