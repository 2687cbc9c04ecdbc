// The `http` and `ops` sections of the configuration.
import { z } from 'zod';
import { longestMs, tooLong } from '../core/longest.js';

const ms = z.number().int().min(1).max(longestMs, tooLong);
const size = z.number().int().min(1);
const port = z.number().int().min(0).max(65_535);

const limits = {
  maxBodyBytes: size.default(8 * 1024 * 1024).describe('Largest request body; a larger one is refused with 413'),
  maxHeaderBytes: size.default(16 * 1024).describe('Largest request head; a larger one is refused with 431'),
  headersTimeoutMs: ms.default(10_000).describe('Time limit for receiving a request head'),
  requestTimeoutMs: ms.default(60_000).describe('Time limit for receiving a whole request'),
  keepAliveMs: ms.default(75_000).describe('Idle connections are closed after this'),
  maxConnections: size.default(10_000).describe('Maximum connections; further ones are closed'),
};

export const httpConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on'),
    port: port.default(19_092).describe('Port to listen on; 0: any free one'),
    allowedHosts: z
      .array(z.string())
      .default([])
      .describe(
        'Host names of this server (globs), besides addresses and names without a dot; checked only without users. Also hosts whose web pages may use it (Origin)',
      ),
    unixSocket: z.string().optional().describe('Listen on a unix socket as well, never with TLS'),
    unixSocketMode: z
      .string()
      .regex(/^0?[0-7]{3}$/, "must be three octal digits, such as '0770'")
      .default('0700')
      .describe('Who may connect to the unix socket: its file mode, octal'),
    tls: z
      .strictObject({
        certFile: z.string().describe('Certificate and its chain (PEM)'),
        keyFile: z.string().describe('Private key (PEM)'),
      })
      .optional()
      .describe('Certificate and key (PEM) for the port'),
    ...limits,
  })
  .optional();

export const opsConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address of the console, /healthz, /readyz and /metrics'),
    port: port.default(19_094).describe('Port of the console, /healthz, /readyz and /metrics; 0: any free one'),
    orAnyPort: z.boolean().default(false).describe('Where the port is in use: listen on any free one'),
    console: z.boolean().default(true).describe('Serve the console (/console/) and its API (/api/v1) on the port'),
    allowActions: z
      .boolean()
      .optional()
      .describe('Let admins change things in the console (send, reset, delete). Absent: only with the embedded Kafka'),
    showPayloads: z
      .boolean()
      .optional()
      .describe('Show keys, values and headers of messages in the console. Absent: only with the embedded Kafka'),
    maskFields: z
      .array(z.string())
      .default(['password', 'passwd', 'secret', 'token', 'authorization', 'api_key', 'apikey'])
      .describe('Fields of JSON values, and headers, whose contents the console hides'),
    allowedHosts: z
      .array(z.string())
      .default([])
      .describe('Host names of this port (globs), besides addresses and names without a dot; checked for the console'),
  })
  .optional();

type HttpConfig = NonNullable<z.infer<typeof httpConfig>>;
export type OpsConfig = NonNullable<z.infer<typeof opsConfig>>;

/** The console of a job whose own configuration has no `ops` section. */
export const defaultOps: OpsConfig = opsConfig.unwrap().parse({});
export type HttpLimits = Pick<HttpConfig, keyof typeof limits>;

/** Limits for which the configuration (Kafka-Pixy's YAML) has no keys. */
export const defaultLimits: HttpLimits = z.strictObject(limits).parse({});
