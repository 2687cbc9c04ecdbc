// What the console's resources work with.
import type { Clock } from '../../core/ports.js';
import { fail } from '../../errors.js';
import type { Log } from '../../log.js';
import type { Jobs } from './jobs.js';
import type { ConsoleCluster, Job } from './process.js';
import type { Rates } from './rates.js';
import type { GroupReader } from './reading/groups.js';
import type { MessageReader } from './reading/messages.js';
import type { TopicReader } from './reading/topics.js';
import type { Prompts } from './redis/prompts.js';
import type { RespSide } from './redis/resp-side.js';
import type { Status } from './status.js';

interface ConsoleSettings {
  readonly allowActions: boolean;
  readonly showPayloads: boolean;
  readonly maskFields: readonly string[];
}

/** Shows a value as lines of text; undefined: it is of another kind. */
type Decoder = (value: Buffer) => readonly string[] | undefined;

/** One cluster with what reads it; nothing here joins a group or commits. */
export interface ClusterReaders extends ConsoleCluster {
  readonly topics: TopicReader;
  readonly groups: GroupReader;
  readonly messages: MessageReader;
}

export interface ConsoleHost {
  readonly job: Job;
  readonly settings: ConsoleSettings;
  readonly status: Status;
  readonly clusters: ReadonlyMap<string, ClusterReaders>;
  readonly decode: Decoder;
  /** Topics whose names begin with `__` are shown. */
  readonly allowInternal: boolean;
  readonly redisPort?: (() => number | undefined) | undefined;
  /** The listener of Redis clients; absent: there is none. */
  readonly resp?: RespSide | undefined;
  /** Absent: no connection can be opened here. */
  readonly prompts?: Prompts | undefined;
  /** Absent: only the job of Redis clients. */
  readonly jobs?: Jobs | undefined;
  readonly rates: Rates;
  readonly clock: Clock;
  readonly log: Log;
}

/** The cluster that a request names; absent: the first. @throws GatewayError `cluster-unknown` */
export function clusterOf({ clusters }: ConsoleHost, query: URLSearchParams): ClusterReaders {
  const name = query.get('cluster');
  const found = name ? clusters.get(name) : clusters.values().next().value;
  if (!found) throw fail('cluster-unknown', name ?? 'default');
  return found;
}
