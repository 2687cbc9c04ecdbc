// The methods in grpc-js's form: definitions from the .proto file, calls to operations, errors to statuses.
import { fileURLToPath } from 'node:url';
import type {
  handleUnaryCall,
  Metadata,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { Gate, Origin } from '../core/access/gate.js';
import type { User } from '../core/access/user.js';
import { guard, own } from '../core/promises.js';
import type { Proxies } from '../core/queue/proxies.js';
import type { LatencyHistogram } from '../core/stats/labelled-stats.js';
import type { Stats } from '../core/stats/stats.js';
import { GatewayError } from '../errors.js';
import type { Log } from '../log.js';
import { measured } from './half-requests.js';
import { streamOf } from './http2-stream.js';
import type { ClusterRequest, Method } from './method.js';
import { methods } from './methods/index.js';

export interface ServiceOptions {
  readonly proxies: Proxies;
  readonly gate: Gate;
  readonly stats: Stats;
  readonly log: Log;
}

type Call = ServerUnaryCall<ClusterRequest, object>;

const protoFile = fileURLToPath(new URL('./kafkapixy.proto', import.meta.url));
const internal = 13;
/** The driver's text, as upstream; over HTTP the same failure reads `Unknown topic`. */
const unknownTopic = 'kafka server: Request was for a topic or partition that does not exist on this broker.';

/** Set on a reply by its serializer: it was written. */
const written = Symbol('written');
type Reply = { [written]?: boolean };

/** The service as the .proto file defines it. Serializing happens when grpc-js writes a reply, and only if it can. */
export function serviceDefinition(): ServiceDefinition {
  const loaded = loadSync(protoFile, { keepCase: true, longs: Number, defaults: true, arrays: true, objects: true });
  const service = loaded.KafkaPixy as unknown as ServiceDefinition;
  return Object.fromEntries(
    Object.entries(service).map(([name, method]) => [
      name,
      {
        ...method,
        requestDeserialize: measured(method.requestDeserialize),
        responseSerialize: (reply: Reply) => {
          reply[written] = true;
          return method.responseSerialize(reply);
        },
      },
    ]),
  );
}

export function implementation(options: ServiceOptions): UntypedServiceImplementation {
  return Object.fromEntries(methods.map((method) => [method.name, unary(options, method)]));
}

function unary({ proxies, gate, stats, log }: ServiceOptions, method: Method): handleUnaryCall<ClusterRequest, object> {
  const latency = latencyOf(stats, method.name);
  const run = method.run as unknown as Method<ClusterRequest>['run'];
  const bug = (err: unknown): void => log.error({ err, method: method.name }, 'A call failed: this is a bug');
  const serve = async (...[call, answer]: Parameters<handleUnaryCall<ClusterRequest, object>>): Promise<void> => {
    const startedAt = latency ? performance.now() : 0;
    let reply: Reply | undefined;
    try {
      const admitted = userOf(gate, call);
      const user = admitted instanceof Promise ? await admitted : admitted;
      const result = run(call.request, proxies.for(user, call.request.cluster), {
        onEnd: (settle) =>
          whenEnded(call, () => guard(() => settle(reply?.[written] === true && !isBroken(call)), bug)),
      });
      const isAwaited = result instanceof Promise;
      reply = { ...(isAwaited ? await result : result) };
      if (isAwaited) latency?.observe((performance.now() - startedAt) / 1000);
      stats.count('grpc.requests', method.name, '0');
      answer(null, reply);
    } catch (error) {
      const status = statusOf(error);
      if (!(error instanceof GatewayError)) bug(error);
      if (error instanceof GatewayError && error.code === 'not-permitted')
        gate.denied(authorizationOf(call), originOf(call), error.message);
      stats.count('grpc.requests', method.name, String(status.code));
      stats.count('errors', 'grpc', error instanceof GatewayError ? error.code : 'internal');
      answer(status);
    }
  };
  return (call, answer) => own(serve(call, answer), bug);
}

/** The same before the request is read. @throws as userOf() */
export function admission(gate: Gate): (metadata: Metadata, peer: string) => unknown {
  return (metadata, peer) => userOf(gate, { metadata, getPeer: () => peer });
}

/** The parts of a call that identify its user. */
type Caller = Pick<Call, 'metadata' | 'getPeer'>;

/** Browsers need no check here: they send no gRPC without a preflight request, which is not answered. @throws GatewayError `protected-mode`, `no-auth`; or rejects with `wrong-password`, `too-many-logins` */
function userOf(gate: Gate, call: Caller): User | Promise<User> {
  if (gate.isLocalOnly) gate.checkPeer(peerAddress(call.getPeer()));
  const authorization = gate.hasUsers ? authorizationOf(call) : undefined;
  return gate.known(authorization) ?? gate.logIn(authorization ?? '', originOf(call));
}

const authorizationOf = ({ metadata }: Caller): string | undefined => metadata.get('authorization')[0]?.toString();

const originOf = (call: Caller): Origin => ({ listener: 'grpc', address: peerAddress(call.getPeer()) });

/** Without its port. `unknown` is the peer of a closed connection: it belongs to no machine. */
const peerAddress = (peer: string): string => peer.slice(0, Math.max(0, peer.lastIndexOf(':')));

/** grpc-js emits `cancelled` at the end of every call, answered or not. */
function whenEnded(call: ServerUnaryCall<ClusterRequest, object>, ended: () => void): void {
  if (call.cancelled) ended();
  else call.once('cancelled', ended);
}

/** grpc-js has no event for a reply that was cut off: its HTTP/2 stream, which is not public, has. */
function isBroken(call: unknown): boolean {
  const stream = streamOf((call as { call?: unknown }).call);
  if (!stream) return false;
  return (
    !stream.writableFinished || Boolean(stream.rstCode) || stream.session === undefined || stream.session.destroyed
  );
}

function statusOf(error: unknown): { code: number; details: string } {
  if (!(error instanceof GatewayError)) return { code: internal, details: 'internal error' };
  return { code: error.grpcStatus, details: error.code === 'topic-unknown' ? unknownTopic : error.message };
}

function latencyOf(stats: Stats, name: string): LatencyHistogram | undefined {
  if (name === 'Produce') return stats.latency('produce.seconds', 'grpc');
  return name === 'ConsumeNAck' ? stats.latency('consume.seconds', 'grpc') : undefined;
}
