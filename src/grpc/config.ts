// The `grpc` section of the configuration.
import { z } from 'zod';

export const grpcConfig = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on'),
    port: z.number().int().min(0).max(65_535).default(19_091).describe('Port to listen on; 0: any free one'),
    tls: z
      .strictObject({
        certFile: z.string().describe('Certificate and its chain (PEM)'),
        keyFile: z.string().describe('Private key (PEM)'),
      })
      .optional()
      .describe('Certificate and key (PEM)'),
    maxMessageBytes: z
      .number()
      .int()
      .min(1)
      .default(1024 * 1024)
      .describe('Largest request; a larger one is refused with RESOURCE_EXHAUSTED'),
    maxConnections: z.number().int().min(1).default(10_000).describe('Maximum connections; further ones are closed'),
  })
  .optional();
