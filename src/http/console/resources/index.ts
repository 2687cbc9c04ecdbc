// The console's resources, one file each.
import type { Resource, Stream } from '../resource.js';
import { errorCode } from './error-code.js';
import { group, groups, lags } from './groups.js';
import { relay, rest, ris, risPeers } from './jobs.js';
import { messages } from './messages.js';
import { produce } from './produce.js';
import { clients, killClient, monitor } from './redis/clients.js';
import { commands, prompt } from './redis/prompt.js';
import { pendingAct, redeliver, stream, streams } from './redis/streams.js';
import { deleteGroup, resetGroup } from './reset.js';
import { session } from './session.js';
import { live, overview, status } from './status.js';
import { tail } from './tail.js';
import { topic } from './topic.js';
import { topics } from './topics.js';

export const resources: readonly (Resource | Stream)[] = [
  session,
  status,
  overview,
  live,
  topics,
  topic,
  messages,
  tail,
  produce,
  groups,
  group,
  lags,
  resetGroup,
  deleteGroup,
  clients,
  killClient,
  monitor,
  prompt,
  commands,
  streams,
  stream,
  pendingAct,
  redeliver,
  ris,
  risPeers,
  relay,
  rest,
  errorCode,
];
