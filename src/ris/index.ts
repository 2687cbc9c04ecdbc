// The part of the RIS worker that the rest of the program uses.
import type { RisConfig } from './config.js';
import { RisWorker, type RisWorkerDeps } from './worker.js';

export type { RisConfig } from './config.js';
export { printAll } from './tools/bmp-print.js';
export { bmpFile, bmpTopic } from './tools/bmp-source.js';
export type { RisWorkerDeps } from './worker.js';

/** A worker for the configured collectors; app/ starts and stops it. */
export function createRisWorker(config: RisConfig, deps: RisWorkerDeps): RisWorker {
  return new RisWorker(config, deps);
}
