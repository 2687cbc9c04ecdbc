// The `[filters.<id>]` sections.
import { z } from 'zod';

export const filterSection = z.object({
  enabled: z.boolean().default(false),
  /** A JavaScript module. */
  path: z.string().default(''),
  /** Handed to the module's create() as it stands. */
  config: z.string().default(''),
  /** Source topics it looks at; empty: all. */
  topics: z.array(z.string()).default([]),
  /** What a throwing filter does: stop its topic, or skip the message. */
  on_error: z.enum(['stop', 'skip']).default('stop'),
});

/** `id` is undefined for a module given by flag: whatever the module calls itself. */
export type FilterConfig = z.infer<typeof filterSection> & { readonly id: string | undefined };
