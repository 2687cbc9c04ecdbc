// POST /topics/{topic}/offsets: set a group's position.
import type { NewOffset } from '../../core/queue/group-offsets.js';
import { fail } from '../../errors.js';
import { goJsonError } from '../go-json-errors.js';
import { empty, emptyReply, groupParameter, type Route } from '../route.js';

export const setOffsets = {
  name: 'setOffsets',
  method: 'POST',
  path: '/topics/{topic}/offsets',
  summary: 'Set offsets of a group. Members in this process go on from there; those of other processes must have left.',
  parameters: [groupParameter],
  body: {
    types: ['application/json'],
    description: 'The partitions to change; the others stay',
    schema: {
      type: 'array',
      items: {
        type: 'object',
        required: ['partition', 'offset'],
        properties: {
          partition: { type: 'integer' },
          offset: { type: 'integer', format: 'int64' },
          metadata: { type: 'string' },
        },
      },
    },
  },
  reply: emptyReply,
  errors: {
    400: 'Unknown cluster, no group, or a bad body',
    403: 'Offsets are set by admins; or no right to topic or group, or not let in',
    404: 'The topic or partition does not exist',
    500: 'Kafka refused, or the group is active elsewhere',
  },
  async run({ proxy, topic, params, body }) {
    const group = params.group();
    await proxy.setOffsets(group, topic, parse(body.toString()));
    return empty;
  },
} satisfies Route;

function parse(text: string): NewOffset[] {
  const problem = goJsonError(text);
  if (problem) throw unparsable(problem);
  const parsed: unknown = JSON.parse(text);
  if (parsed === null) return [];
  if (!Array.isArray(parsed)) throw unparsable(`json: cannot unmarshal ${goKind(parsed)} into a list of offsets`);
  return parsed.map(parseOne);
}

/** Keys count in any capitals, as Go reads them. Deviation: a missing number is refused; upstream takes it for 0. */
function parseOne(entry: unknown): NewOffset {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw unparsable(`json: cannot unmarshal ${goKind(entry)} into an offset`);
  const {
    partition,
    offset,
    metadata = '',
  } = Object.fromEntries(Object.entries(entry).map(([key, value]): [string, unknown] => [key.toLowerCase(), value]));
  if (partition === undefined || offset === undefined) throw unparsable('partition and offset are required');
  if (!Number.isSafeInteger(partition) || !Number.isSafeInteger(offset))
    throw unparsable('json: partition and offset must be integers of at most 2^53 - 1');
  if ((partition as number) < 0 || (offset as number) < -2) throw unparsable('negative partition or offset');
  if (typeof metadata !== 'string') throw unparsable(`json: cannot unmarshal ${goKind(metadata)} into metadata`);
  return { partition: partition as number, offset: offset as number, metadata };
}

const unparsable = (problem: string) => fail('request-invalid', `Failed to parse the request: err=(${problem})`);

const goKind = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
