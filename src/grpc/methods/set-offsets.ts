// SetOffsets: a group's position in the listed partitions.
import { fail } from '../../errors.js';
import type { GroupRequest, Method } from '../method.js';

interface SetOffsetsRq extends GroupRequest {
  readonly offsets: readonly { readonly partition: number; readonly offset: number; readonly metadata: string }[];
}

export const setOffsets = {
  name: 'SetOffsets',
  async run({ group, topic, offsets }, proxy) {
    for (const { partition, offset } of offsets) {
      if (!Number.isSafeInteger(offset)) throw fail('request-invalid', 'offset is beyond 2^53 - 1');
      if (partition < 0 || offset < -2) throw fail('request-invalid', 'negative partition or offset');
    }
    await proxy.setOffsets(
      group,
      topic,
      offsets.map(({ partition, offset, metadata }) => ({ partition, offset, metadata })),
    );
    return {};
  },
} satisfies Method<SetOffsetsRq>;
