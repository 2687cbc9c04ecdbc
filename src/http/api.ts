// The REST API as a request listener: routes in both path forms, Kafka-Pixy's answers to what is not there, errors as JSON.
import type { RequestListener } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Proxies } from '../core/proxies.js';
import type { Stats } from '../core/stats.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
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
  const app = fastify({
    bodyLimit: options.maxBodyBytes,
    exposeHeadRoutes: false,
    requestTimeout: 0,
    logger: false,
    forceCloseConnections: false,
    routerOptions: { maxParamLength: 1024 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Error, request, reply) => answerError(options, 'none', error, request, reply));
  for (const route of routes) addRoute(app, options, route);
  addOthers(app, options);
  await app.ready();
  return { serve: (request, response) => app.routing(request, response), close: () => app.close() };
}

function addRoute(app: FastifyInstance, options: ApiOptions, route: Route): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  const { stats } = options;
  const latency = latencyOf(stats, route);
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { topic, cluster } = request.params as { topic?: string; cluster?: string };
    // The router takes an empty part for a parameter.
    if (topic === '' || cluster === '') {
      reply.callNotFound();
      return;
    }
    const startedAt = latency ? performance.now() : 0;
    try {
      const text = await run(options.proxies, route, request, reply);
      if (latency && text !== '{}') latency.observe((performance.now() - startedAt) / 1000);
      stats.count('http.requests', route.name, '200');
      send(reply, 200, text);
    } catch (error) {
      answerError(options, route.name, error, request, reply);
    }
  };
  const broken = (error: Error, request: FastifyRequest, reply: FastifyReply) =>
    answerError(options, route.name, error, request, reply);
  for (const prefix of ['', '/clusters/:cluster'])
    app.route({ method: route.method, url: `${prefix}${path}`, handler: answer, errorHandler: broken });
}

function run(proxies: Proxies, route: Route, request: FastifyRequest, reply: FastifyReply): string | Promise<string> {
  const { cluster, topic = '' } = request.params as { cluster?: string; topic?: string };
  const proxy = proxies.get(cluster);
  const contentType = request.headers['content-type'] ?? '';
  const body = (request.body as Buffer | undefined) ?? noBody;
  const params = new Params(request.query as Record<string, string>, isForm(contentType) ? body : undefined);
  const { raw } = request;
  return route.run({ proxy, topic, params, contentType, body, raw, onEnd: (call) => onEnd(request, reply, call) });
}

/** Calls once, when the reply is with the socket (true) or the client has gone before (false). */
function onEnd(request: FastifyRequest, { raw }: FastifyReply, call: (sent: boolean) => void): void {
  const { socket } = request.raw;
  const end = (sent: boolean): void => {
    raw.off('finish', finished).off('close', closed);
    if (pipelined) socket.off('close', closed);
    call(sent);
  };
  // `finish` also comes when the write has failed.
  const finished = (): void => end(!socket.destroyed && !socket.errored);
  const closed = (): void => end(false);
  // A pipelined reply that waits for its turn hears nothing of the connection's end.
  const pipelined = raw.socket === null;
  if (socket.destroyed) {
    call(false);
    return;
  }
  raw.once('finish', finished).once('close', closed);
  if (pipelined) socket.once('close', closed);
}

function send(reply: FastifyReply, status: number, text: string): void {
  // As bytes: to a text fastify would add a charset.
  reply.code(status).header('content-type', json).send(Buffer.from(text));
}

function answerError(
  { stats, log }: ApiOptions,
  route: string,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const known = error instanceof GatewayError ? error : undefined;
  const status = known?.httpStatus ?? statusOf(error);
  stats.count('http.requests', route, String(status));
  if (status >= 500 && !known) log.error({ err: error, route }, 'A request failed: this is a bug');
  const text = known?.message ?? (status < 500 ? (error as Error).message : 'internal error');
  send(reply, status, goJson({ error: badType(error, request) ?? text }));
}

/** Fastify's own complaints (a body too large, cut short) have a status. */
const statusOf = (error: unknown): number => {
  if ((error as { code?: string }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 400;
  return (error as { statusCode?: number }).statusCode ?? 500;
};

const badType = (error: unknown, request: FastifyRequest): string | undefined =>
  (error as { code?: string }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    ? `unsupported content type ${request.headers['content-type'] ?? ''}`
    : undefined;

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
