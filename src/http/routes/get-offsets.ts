// GET /topics/{topic}/offsets: a group's position in every partition.
import { goJson } from '../go-json.js';
import { groupParameter, type Route } from '../route.js';

const int64 = { type: 'integer', format: 'int64' };

export const getOffsets = {
  name: 'getOffsets',
  method: 'GET',
  path: '/topics/{topic}/offsets',
  summary: 'Committed offsets of a group; -1: none, -2: the oldest.',
  parameters: [groupParameter],
  reply: {
    type: 'array',
    items: {
      type: 'object',
      properties: {
        partition: { type: 'integer' },
        begin: int64,
        end: int64,
        count: int64,
        offset: int64,
        lag: int64,
        metadata: { type: 'string' },
        sparse_acks: { type: 'string', description: 'Acked ranges above the offset, relative to it: 1-2,9-11' },
      },
    },
  },
  errors: { 400: 'Unknown cluster, or no group', 404: 'The topic does not exist', 500: 'Kafka refused' },
  async run({ proxy, topic, params }) {
    const offsets = await proxy.offsets(params.group(), topic);
    return goJson(
      offsets.map(({ metadata, sparseAcks, ...numbers }) => ({
        ...numbers,
        ...(metadata === '' ? {} : { metadata }),
        ...(sparseAcks === '' ? {} : { sparse_acks: sparseAcks }),
      })),
    );
  },
} satisfies Route;
