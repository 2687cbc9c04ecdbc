// A REST operation: one object for serving requests, both path forms and the OpenAPI document.
import type { IncomingMessage } from 'node:http';
import type { UserProxy } from '../core/queue/user-proxy.js';
import type { Params } from './params.js';

export interface ApiRequest {
  /** The cluster, as the user of the request sees it. */
  readonly proxy: UserProxy;
  /** From the path; empty if the path has none. */
  readonly topic: string;
  readonly params: Params;
  readonly contentType: string;
  readonly body: Buffer;
  readonly raw: IncomingMessage;
  /** Calls once: true if the reply has been handed to the socket, false if the client disconnected before. */
  readonly onEnd: (call: (sent: boolean) => void) => void;
}

/** One parameter as OpenAPI shows it. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly type: 'string' | 'integer' | 'flag';
}

export interface Route {
  /** For metrics and OpenAPI's operationId. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Under `/` and under `/clusters/{cluster}`. */
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** Media types and description of the body. */
  readonly body?: { readonly types: readonly string[]; readonly description: string; readonly schema: object };
  /** Schema of the 200 reply. */
  readonly reply: object;
  /** Error statuses with the reason. */
  readonly errors: Readonly<Record<number, string>>;
  /** @returns the reply's JSON. @throws GatewayError */
  readonly run: (request: ApiRequest) => string | Promise<string>;
}

/** An empty reply. */
export const empty = '{}';

export const groupParameter: Parameter = {
  name: 'group',
  description: 'The consumer group',
  required: true,
  type: 'string',
};

export const emptyReply = { type: 'object', maxProperties: 0 };
