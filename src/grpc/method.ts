// A gRPC operation: one object per call.
import type { UserProxy } from '../core/queue/user-proxy.js';

/** How a call ends, for code that waits for it. */
interface CallEnd {
  /** Calls once: true if the reply was written, false if the client disconnected before. */
  readonly onEnd: (call: (sent: boolean) => void) => void;
}

export interface Method<Request = never> {
  /** As in the .proto file. */
  readonly name: string;
  /** @returns the reply's fields. @throws GatewayError */
  readonly run: (request: Request, proxy: UserProxy, call: CallEnd) => object | Promise<object>;
}

/** Fields of every request. */
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
