// The OpenAPI document of the REST listener, generated from the route objects.

import type { Resource, Stream } from './console/resource.js';
import { resources } from './console/resources/index.js';
import type { Parameter, Route } from './route.js';

/** OpenAPI 3.0. Every path twice: for the default cluster and for a named one. */
export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    for (const prefix of ['', '/clusters/{cluster}']) {
      const path = `${prefix}${route.path}`;
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path, prefix !== '') };
    }
  }
  return {
    openapi: '3.0.3',
    info: {
      title: 'Rafka REST',
      version,
      description: "Kafka one message at a time, with Kafka-Pixy's paths and replies. Flags count when present.",
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    paths: { ...paths, ...otherPaths, ...consolePaths() },
    // The empty one: a server without users requires none.
    security: [{}, { basic: [] }, { bearer: [] }],
    components: { schemas: { Error: errorSchema }, securitySchemes },
  };
}

/** The console's API: on the ops port. */
function consolePaths(): Record<string, object> {
  const paths: Record<string, Record<string, object>> = {};
  const servers = [{ url: 'http://localhost:19094', description: 'The ops port' }];
  for (const resource of resources) {
    const path = `/api/v1${resource.path}`;
    const method = 'method' in resource ? resource.method.toLowerCase() : 'get';
    paths[path] = { servers: servers as unknown as object, ...paths[path], [method]: consoleOperation(resource, path) };
  }
  return paths;
}

function consoleOperation(resource: Resource | Stream, path: string): object {
  const { name, summary, parameters = [], body, errors = {} } = resource;
  const isAction = 'isAction' in resource && resource.isAction === true;
  const token = {
    name: 'X-Csrf-Token',
    description: 'The token of GET /api/v1/session',
    required: true,
    type: 'string',
  } as const;
  const all: readonly Parameter[] = [cluster, ...parameters, ...(isAction ? [token] : [])];
  const type = 'method' in resource ? 'application/json' : 'text/event-stream';
  return {
    operationId: name,
    summary: isAction ? `${summary}. For admins, with ops.allowActions` : summary,
    parameters: [...pathParameters(path), ...all.map(parameter)],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      200: {
        description: 'Done',
        content: { [type]: { schema: type === 'application/json' ? { type: 'object' } : { type: 'string' } } },
      },
      ...Object.fromEntries(
        Object.entries({ ...notLetIn, ...errors }).map(([status, text]) => [status, problem(text)]),
      ),
    },
  };
}

const cluster: Parameter = { name: 'cluster', description: 'Absent: the first one', type: 'string' };

const securitySchemes = {
  basic: { type: 'http', scheme: 'basic', description: "A user's name and password" },
  bearer: { type: 'http', scheme: 'bearer', description: "A user's token, or the default user's password" },
};

/** Of every operation. */
const notLetIn = {
  401: 'No credentials, or wrong ones, where the server has users',
  403: 'The user has no right to it; or a client of another machine, an unknown Host, a foreign Origin',
};

/** Of every operation that reads a body. */
const tooLarge = { 413: 'The body is larger than the server reads' };

const errorSchema = { type: 'object', required: ['error'], properties: { error: { type: 'string' } } };

function operation(route: Route, path: string, clustered: boolean): object {
  const { name, method, summary, parameters, body, reply, errors } = route;
  return {
    operationId: clustered ? `${name}In` : name,
    summary,
    parameters: [...pathParameters(path), ...parameters.map(parameter)],
    ...(body ? { requestBody: requestBody(body) } : {}),
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: reply } } },
      ...Object.fromEntries(
        Object.entries({ ...notLetIn, ...errors, ...(method === 'POST' ? tooLarge : {}) }).map(([status, text]) => [
          status,
          problem(text),
        ]),
      ),
    },
  };
}

function requestBody({ types, description, schema }: NonNullable<Route['body']>): object {
  const form = { type: 'object', required: ['msg'], properties: { msg: { type: 'string' } } };
  const content = types.map((type) => [type, { schema: type.endsWith('urlencoded') ? form : schema }]);
  return { description, required: true, content: Object.fromEntries(content) };
}

const pathParameters = (path: string): object[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function parameter({ name, description, required = false, type }: Parameter): object {
  const header = name.startsWith('X-');
  const schema = type === 'flag' ? { type: 'string' } : type === 'integer' ? { type, format: 'int64' } : { type };
  const flag = type === 'flag' ? { allowEmptyValue: true } : {};
  return { name, in: header ? 'header' : 'query', description, required, schema, ...flag };
}

const problem = (description: string): object => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
});

const plain = (summary: string, statuses: Readonly<Record<number, string>>, isOpen = true): object => ({
  get: {
    summary,
    ...(isOpen ? { security: [] } : {}),
    responses: Object.fromEntries(Object.entries(statuses).map(([status, description]) => [status, { description }])),
  },
});

const otherPaths = {
  '/openapi.json': plain('This document', { 200: 'OpenAPI 3.0' }),
  '/_ping': plain('Answers pong, without asking Kafka', { 200: 'pong' }),
  '/healthz': plain('The process lives', { 200: 'It does' }),
  '/readyz': plain('Brokers of every cluster answer', { 200: 'They do', 503: 'They do not; the body says which' }),
  '/metrics': plain('Metrics in the Prometheus text format, to an admin', { 200: 'The metrics', ...notLetIn }, false),
};
