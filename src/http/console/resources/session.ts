// GET /session: who is logged in, and what he may do here.
import type { Resource } from '../resource.js';

export const session = {
  name: 'consoleSession',
  method: 'GET',
  path: '/session',
  summary: 'The user, his rights here, and the token that actions need (header X-Csrf-Token)',
  run: ({ user }, { job, settings, clusters, redisPort, resp, prompts, jobs }) => ({
    user: user.name,
    isAdmin: user.isAdmin,
    job,
    clusters: [...clusters.keys()],
    allowActions: settings.allowActions && user.isAdmin,
    showPayloads: settings.showPayloads,
    redisPort: redisPort?.() ?? null,
    hasClients: resp !== undefined,
    hasStreams: resp?.open !== undefined && clusters.size > 0,
    hasRis: jobs?.ris?.() !== undefined,
    hasRelay: jobs?.relay?.() !== undefined,
    hasRest: jobs?.queues !== undefined,
    hasPrompt: prompts !== undefined && settings.allowActions && settings.showPayloads,
  }),
} satisfies Resource;
