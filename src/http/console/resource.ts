// One resource of the console's API (`/api/v1/...`): an object for serving requests and for the OpenAPI document.
import type { User } from '../../core/access/user.js';
import type { Parameter } from '../route.js';
import type { ConsoleHost } from './host.js';

export interface ConsoleRequest {
  readonly user: User;
  /** The names in the path, unescaped. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed JSON of the body; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Sends one event of a stream. */
type Send = (event: string, data: object) => void;

interface Described {
  /** OpenAPI's operationId. */
  readonly name: string;
  /** Below `/api/v1`. */
  readonly path: string;
  readonly summary: string;
  readonly parameters?: readonly Parameter[];
  /** Schema of the JSON body. */
  readonly body?: object;
  readonly errors?: Readonly<Record<number, string>>;
}

/** Answers once. */
export interface Resource extends Described {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Changes something: needs an admin, `ops.allowActions` and the token. */
  readonly isAction?: boolean;
  /** Its own rights bound it: an action of any user. */
  readonly isForAll?: boolean;
  /** @returns the reply's JSON. @throws GatewayError, KafkaError */
  readonly run: (request: ConsoleRequest, host: ConsoleHost) => object | Promise<object>;
}

/** Answers with server-sent events until the client goes. */
export interface Stream extends Described {
  /** Runs until the request's signal is aborted. @throws GatewayError, KafkaError before the first event: the request fails */
  readonly stream: (request: ConsoleRequest, host: ConsoleHost, send: Send) => Promise<void>;
}

export const pagingParameters: readonly Parameter[] = [
  { name: 'q', description: 'Only names that contain this text', type: 'string' },
  { name: 'page', description: 'Page, from 0', type: 'integer' },
  { name: 'size', description: 'Rows of a page, at most 100', type: 'integer' },
];
