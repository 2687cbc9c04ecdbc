// The HTTP/2 stream of a call, which grpc-js does not show.
import type { ServerHttp2Stream } from 'node:http2';

interface Call {
  readonly stream?: ServerHttp2Stream;
  /** The call object that an interceptor receives. */
  readonly nextCall?: Call;
}

/** @param call as interceptors get it, or in a handler's `call`. @returns undefined if grpc-js keeps it elsewhere. */
export function streamOf(call: unknown): ServerHttp2Stream | undefined {
  let at = call as Call | undefined;
  while (at && !at.stream) at = at.nextCall;
  return at?.stream;
}
