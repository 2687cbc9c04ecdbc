// The console: its page, its API and its login, in front of what else a port serves.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { User } from '../../core/access/user.js';
import { MemoryBudget } from '../../core/memory/memory-budget.js';
import { KafkaError } from '../../core/ports.js';
import { own } from '../../core/promises.js';
import type { Stats } from '../../core/stats/stats.js';
import { fail, GatewayError } from '../../errors.js';
import type { Admission } from '../admission.js';
import { readBody } from '../body.js';
import { type Asset, loadAssets, serveAsset } from './assets.js';
import type { ConsoleHost } from './host.js';
import { kafkaStatus } from './kafka-status.js';
import { send } from './reply.js';
import type { ConsoleRequest, Resource, Stream } from './resource.js';
import { resources } from './resources/index.js';
import { type Found, findResource } from './routing.js';
import { Sessions } from './sessions.js';

export interface ConsoleOptions extends ConsoleHost {
  readonly admission: Admission;
  readonly stats: Stats;
  /** The OpenAPI document. */
  readonly document: () => string;
  /** Absent: those of the build. */
  readonly assets?: ReadonlyMap<string, Asset>;
}

const json = 'application/json';
const api = '/api/v1';
const maxBodyBytes = 1024 * 1024;
/** All bodies that are being read. */
const bodiesBytes = 8 * 1024 * 1024;
/** Open streams; more are refused. */
const mostStreams = 200;

export class Console {
  readonly #options: ConsoleOptions;
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #sessions: Sessions;
  readonly #bodies = new MemoryBudget(bodiesBytes);
  readonly #streams = new Set<AbortController>();

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#assets = options.assets ?? loadAssets();
    this.#sessions = new Sessions(options.clock);
  }

  /** The server whose requests it gets: connections of other machines are known from their beginning. */
  attach(server: Server): void {
    server.on('connection', (socket) => this.#options.admission.meet(socket));
    this.#options.status.start();
  }

  /** Streams end: they would hold the port open. */
  drain(): void {
    for (const stream of this.#streams) stream.abort();
    this.#options.prompts?.close();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.drain();
    this.#options.status.stop();
    await Promise.all([...this.#options.clusters.values()].map(({ messages }) => messages.close()));
  }

  /** @returns false if the path is none of the console's: nothing is answered then. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { pathname } = url;
    if (pathname === '/' || pathname === '/console') {
      // Relative: below a prefix of a proxy it stays below it.
      response.writeHead(302, { location: pathname === '/' ? 'console/' : './console/' }).end();
    } else if (pathname.startsWith('/console/'))
      serveAsset(this.#assets, pathname.slice('/console/'.length), request, response);
    else if (pathname.startsWith(`${api}/`))
      own(this.#answer(url, request, response), (error) => this.#fail(error, request, response));
    else return false;
    return true;
  }

  async #answer(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = url.pathname.slice(api.length);
    if (path === '/openapi.json') return send(response, 200, json, this.#options.document());
    if (path === '/login' || path === '/logout') return this.#login(path === '/login', request, response);
    const found = findResource(resources, path, request.method ?? '');
    if (!found) return send(response, 404, json, '{"error":"there is no such resource"}');
    if (found === 'method') return send(response, 405, json, '{"error":"not with this method"}');
    const user = await this.#admit(request);
    if ('stream' in found.resource) return this.#stream(found.resource, found, url, user, request, response);
    await this.#run(found.resource, found, url, user, request, response);
  }

  async #run(
    resource: Resource,
    { path }: Found,
    url: URL,
    user: User,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    if (resource.isAction) this.#checkAction(user, request, resource.isForAll === true);
    const body = resource.method === 'GET' ? {} : await this.#body(request, response);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const asked: ConsoleRequest = { user, path, query: url.searchParams, body, signal: gone.signal };
    const reply: object & { token?: string } = await resource.run(asked, this.#options);
    const token = resource.name === 'consoleSession' ? { token: this.#sessions.tokenOf(request, user) } : {};
    send(response, 200, json, JSON.stringify({ ...reply, ...token }));
  }

  async #stream(
    stream: Stream,
    { path }: Found,
    url: URL,
    user: User,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    if (this.#streams.size >= mostStreams) throw fail('console-streams', mostStreams);
    const gone = new AbortController();
    this.#streams.add(gone);
    response.once('close', () => gone.abort());
    const event = (name: string, data: object): void => {
      if (!response.headersSent)
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        });
      // Who does not read is left out: events are not kept for him.
      if (!response.writableNeedDrain) response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    try {
      await stream.stream({ user, path, query: url.searchParams, body: {}, signal: gone.signal }, this.#options, event);
      response.end();
    } catch (error) {
      if (!response.headersSent) throw error;
      event('failed', { error: (error as Error).message });
      response.end();
      if (!(error instanceof GatewayError || error instanceof KafkaError)) this.#bug(error, request);
    } finally {
      this.#streams.delete(gone);
    }
  }

  /** A form of name and password opens a session; a logout ends it. */
  async #login(isLogin: boolean, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return send(response, 405, json, '{"error":"not with this method"}');
    this.#options.admission.vet(request);
    if (!isLogin) {
      response.setHeader('set-cookie', this.#sessions.close(request));
      return send(response, 200, json, '{}');
    }
    const { name, password } = await this.#body(request, response);
    if (typeof name !== 'string' || typeof password !== 'string')
      throw fail('request-invalid', 'name and password must be texts');
    const basic = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
    const user = await this.#options.admission.logIn(basic, request);
    response.setHeader('set-cookie', this.#sessions.open(user, request));
    send(response, 200, json, JSON.stringify({ user: user.name }));
  }

  async #admit(request: IncomingMessage): Promise<User> {
    const { admission } = this.#options;
    const user = this.#sessions.userOf(request);
    if (user && admission.isUser(user)) {
      admission.vet(request);
      return user;
    }
    return admission.admit(request);
  }

  /** @throws GatewayError `actions-off`, `csrf-missing`, `not-permitted` */
  #checkAction(user: User, request: IncomingMessage, isForAll: boolean): void {
    if (!this.#options.settings.allowActions) throw fail('actions-off');
    if (!isForAll) user.checkAdmin();
    if (!this.#sessions.isToken(request, user)) throw fail('csrf-missing');
  }

  #body(request: IncomingMessage, response: ServerResponse): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve, reject) =>
      readBody(request, response, maxBodyBytes, this.#bodies, (error, body) => {
        if (error) return reject(error);
        try {
          const parsed: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
          if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
            return resolve(parsed as Record<string, unknown>);
        } catch {
          // Told below.
        }
        reject(fail('request-invalid', 'the body must be a JSON object'));
      }),
    );
  }

  #fail(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const { stats, admission } = this.#options;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (error instanceof GatewayError) {
      stats.count('errors', 'console', error.code);
      if (error.code === 'not-permitted') admission.denied(request, error.message);
      if (error.code === 'body-too-large' || error.code === 'protected-mode') response.shouldKeepAlive = false;
      send(response, error.httpStatus, json, JSON.stringify({ error: error.message, code: error.code }));
    } else if (error instanceof KafkaError)
      send(response, kafkaStatus(error), json, JSON.stringify({ error: error.message, code: 'kafka' }));
    else {
      this.#bug(error, request);
      send(response, 500, json, '{"error":"internal error"}');
    }
  }

  #bug(err: unknown, { method, url }: IncomingMessage): void {
    this.#options.log.error(
      { err, method, path: url?.split('?', 1)[0] },
      'A request of the console failed: this is a bug',
    );
  }
}
