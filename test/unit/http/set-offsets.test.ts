// Offsets to set, as REST and gRPC read them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewOffset } from '../../../src/core/queue/group-offsets.js';
import { setOffsets as overGrpc } from '../../../src/grpc/methods/set-offsets.js';
import { Params } from '../../../src/http/params.js';
import { setOffsets as overHttp } from '../../../src/http/routes/set-offsets.js';

type Http = Parameters<typeof overHttp.run>[0];
type Grpc = Parameters<typeof overGrpc.run>;

async function http(body: string): Promise<readonly NewOffset[]> {
  let got: readonly NewOffset[] = [];
  const proxy = {
    setOffsets: async (_group: string, _topic: string, offsets: readonly NewOffset[]) => {
      got = offsets;
    },
  };
  await overHttp.run({ proxy, topic: 't', params: new Params('group=g'), body: Buffer.from(body) } as unknown as Http);
  return got;
}

test('keys of the body count in any capitals, and the last of two', async () => {
  assert.deepEqual(await http('[{"Partition":1,"OFFSET":7,"metaData":"m"}]'), [
    { partition: 1, offset: 7, metadata: 'm' },
  ]);
  assert.deepEqual(await http('[{"partition":1,"offset":7,"Offset":8}]'), [{ partition: 1, offset: 8, metadata: '' }]);
});

test('an offset beyond 2^53 - 1 is refused, not rounded', async () => {
  await assert.rejects(http('[{"partition":1,"offset":9007199254740993}]'), /must be integers/);
  const offsets = [{ partition: 1, offset: 2 ** 53, metadata: '' }];
  const request = { cluster: '', group: 'g', topic: 't', offsets };
  const proxy = { setOffsets: () => assert.fail('it was set') };
  await assert.rejects(overGrpc.run(request, proxy as unknown as Grpc[1]), /offset is beyond 2\^53 - 1/);
});
