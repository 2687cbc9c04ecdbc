// The REST API as a request listener: routes in both path forms, Kafka-Pixy's answers to what is not there, errors as JSON.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { LatencyHistogram } from '../core/labelled-stats.js';
import type { Proxies } from '../core/proxies.js';
import type { Stats } from '../core/stats.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import { readBody } from './body.js';
import { goJson } from './go-json.js';
import { openApi } from './openapi.js';
import type { Ops } from './ops.js';
import { isForm, Params } from './params.js';
import type { Route } from './route.js';
import { routes } from './routes/index.js';

export interface ApiOptions {
  readonly proxies: Proxies;
  readonly ops: Ops;
  readonly stats: Stats;
  readonly log: Log;
  readonly maxBodyBytes: number;
  readonly version: string;
}

export interface Api {
  readonly serve: RequestListener;
  close(): Promise<void>;
}

const json = 'application/json';
const noBody = Buffer.alloc(0);

export async function createApi(options: ApiOptions): Promise<Api> {
  const app = fastify({ exposeHeadRoutes: false, logger: false, routerOptions: { maxParamLength: 1024 } });
  app.removeAllContentTypeParsers();
  for (const route of routes) addRoute(app, options, route);
  addOthers(app, options);
  await app.ready();
  return { serve: (request, response) => app.routing(request, response), close: () => app.close() };
}

/** Fastify finds the route; body and reply are handled here, which takes a third off a request's cost. */
function addRoute(app: FastifyInstance, options: ApiOptions, route: Route): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  const latency = latencyOf(options.stats, route);
  const serve = (request: FastifyRequest, reply: FastifyReply, _next: () => void): void => {
    const { topic, cluster } = request.params as { topic?: string; cluster?: string };
    // The router takes an empty part for a parameter.
    if (topic === '' || cluster === '') {
      reply.callNotFound();
      return;
    }
    reply.hijack();
    if (route.method === 'GET') void answer(options, route, latency, request, reply.raw, noBody);
    else
      readBody(request.raw, options.maxBodyBytes, (error, body) => {
        if (error) answerError(options, route.name, error, reply.raw);
        else void answer(options, route, latency, request, reply.raw, body);
      });
  };
  for (const prefix of ['', '/clusters/:cluster'])
    app.route({
      method: route.method,
      url: `${prefix}${path}`,
      onRequest: serve,
      handler: (_request, reply) => reply.callNotFound(),
    });
}

async function answer(
  options: ApiOptions,
  route: Route,
  latency: LatencyHistogram | undefined,
  request: FastifyRequest,
  response: ServerResponse,
  body: Buffer,
): Promise<void> {
  const startedAt = latency ? performance.now() : 0;
  try {
    const result = run(options.proxies, route, request, response, body);
    const text = typeof result === 'string' ? result : await result;
    if (latency && text !== '{}') latency.observe((performance.now() - startedAt) / 1000);
    options.stats.count('http.requests', route.name, '200');
    send(response, 200, text);
  } catch (error) {
    answerError(options, route.name, error, response);
  }
}

function run(
  proxies: Proxies,
  route: Route,
  request: FastifyRequest,
  response: ServerResponse,
  body: Buffer,
): string | Promise<string> {
  const { cluster, topic = '' } = request.params as { cluster?: string; topic?: string };
  const proxy = proxies.get(cluster);
  const { raw } = request;
  const contentType = raw.headers['content-type'] ?? '';
  const params = new Params(request.query as Record<string, string>, isForm(contentType) ? body : undefined);
  return route.run({ proxy, topic, params, contentType, body, raw, onEnd: (call) => onEnd(raw, response, call) });
}

/** Calls once, when the reply is with the socket (true) or the client has gone before (false). */
function onEnd({ socket }: IncomingMessage, response: ServerResponse, call: (sent: boolean) => void): void {
  const end = (sent: boolean): void => {
    response.off('finish', finished).off('close', closed);
    if (pipelined) socket.off('close', closed);
    call(sent);
  };
  // `finish` also comes when the write has failed.
  const finished = (): void => end(!socket.destroyed && !socket.errored);
  const closed = (): void => end(false);
  // A pipelined reply that waits for its turn hears nothing of the connection's end.
  const pipelined = response.socket === null;
  if (socket.destroyed) {
    call(false);
    return;
  }
  response.once('finish', finished).once('close', closed);
  if (pipelined) socket.once('close', closed);
}

/** One string, so that head and body leave in one write; no charset, as upstream. */
function send(response: ServerResponse, status: number, text: string): void {
  const length = Buffer.byteLength(text);
  response.writeHead(status, ['Content-Type', json, 'Content-Length', String(length)]).end(text);
}

function answerError({ stats, log }: ApiOptions, route: string, error: unknown, response: ServerResponse): void {
  const known = error instanceof GatewayError ? error : undefined;
  const status = known?.httpStatus ?? 500;
  stats.count('http.requests', route, String(status));
  if (!known) log.error({ err: error, route }, 'A request failed: this is a bug');
  // What is left of such a body would be taken for the next request.
  if (known?.code === 'body-too-large') response.shouldKeepAlive = false;
  send(response, status, goJson({ error: known?.message ?? 'internal error' }));
}

function latencyOf(stats: Stats, { name }: Route) {
  if (name === 'produce') return stats.latency('produce.seconds', 'http');
  return name === 'consume' ? stats.latency('consume.seconds', 'http') : undefined;
}

/** The ping, the ops endpoints, the document of all this, and what is not there. */
function addOthers(app: FastifyInstance, { ops, version }: ApiOptions): void {
  const text = 'text/plain; charset=utf-8';
  app.get('/_ping', (_request, reply) => reply.header('content-type', text).send('pong'));
  const document = Buffer.from(JSON.stringify(openApi(routes, version), null, 2));
  app.get('/openapi.json', (_request, reply) => reply.header('content-type', json).send(document));
  for (const [path, answer] of Object.entries(ops.endpoints)) {
    app.get(path, async (_request, reply) => {
      const { status, type, body } = await answer();
      return reply.code(status).header('content-type', type).send(Buffer.from(body));
    });
  }
  const known = [...routes.map(({ path }) => path), '/_ping', '/openapi.json', ...Object.keys(ops.endpoints)];
  const patterns = known.map(
    (path) => new RegExp(`^(?:/clusters/[^/]+)?${path.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.')}$`),
  );
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    if (patterns.some((pattern) => pattern.test(path))) return reply.code(405).send();
    return reply.code(404).header('content-type', text).send('404 page not found\n');
  });
}
