// GET /errors/{code}: what the table of docs/ERRORS.md says of a code.
import { errorTable, fail } from '../../../errors.js';
import type { Resource } from '../resource.js';

export const errorCode = {
  name: 'consoleError',
  method: 'GET',
  path: '/errors/{code}',
  summary: 'One row of the error table (docs/ERRORS.md): the RESP text, the HTTP and gRPC status',
  errors: { 400: 'Unknown code' },
  run({ path }) {
    const code = path.code!;
    const row = Object.hasOwn(errorTable, code) ? errorTable[code as keyof typeof errorTable] : undefined;
    if (!row) throw fail('request-invalid', `there is no error '${code}'`);
    return { code, resp: `${row.prefix} ${row.text}`, http: row.http, grpc: row.grpc };
  },
} satisfies Resource;
