// The `[filters.<id>]` sections.
import { z } from 'zod';

export const filterSection = z.object({
  enabled: z.boolean().default(false),
  /** A JavaScript module. */
  path: z.string().default(''),
  /** Passed unchanged to the module's create(). */
  config: z.string().default(''),
  /** The source topics it filters; empty: all. */
  topics: z.array(z.string()).default([]),
  /** When the filter throws: stop its topic, or skip the message. */
  on_error: z.enum(['stop', 'skip']).default('stop'),
});

/** `id` is undefined for a module given by a flag: the module names itself. */
export type FilterConfig = z.infer<typeof filterSection> & { readonly id: string | undefined };
