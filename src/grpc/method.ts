// What a gRPC operation is: one object a call.
import type { UserProxy } from '../core/queue/user-proxy.js';

/** How a call ends, for whoever waits for that. */
export interface CallEnd {
  /** Calls once: true when the reply was written, false when the client went before. */
  readonly onEnd: (call: (sent: boolean) => void) => void;
}

export interface Method<Request = never> {
  /** As in the .proto file. */
  readonly name: string;
  /** @returns the reply's fields. @throws GatewayError */
  readonly run: (request: Request, proxy: UserProxy, call: CallEnd) => object | Promise<object>;
}

/** What every request has. */
export interface ClusterRequest {
  readonly cluster: string;
}

export interface TopicRequest extends ClusterRequest {
  readonly topic: string;
}

export interface GroupRequest extends TopicRequest {
  readonly group: string;
}

export interface WireHeader {
  readonly key: string;
  readonly value: Buffer;
}
