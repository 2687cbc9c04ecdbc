// Which Kafka client this is: for the log's first line and INFO.
import { createRequire } from 'node:module';
import type { ClientVersions } from '../core/ports.js';
import { native } from './native.js';

const binding = createRequire(import.meta.url)('node-rdkafka/package.json') as { version: string };

/** Of what is loaded: librdkafka says its own. */
export const clientVersions: ClientVersions = {
  librdkafka: native.librdkafkaVersion,
  nodeRdkafka: binding.version.replace(/^v/, ''),
};
