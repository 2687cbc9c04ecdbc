// The gRPC operations: one file each.
import type { Method } from '../method.js';
import { ack } from './ack.js';
import { consumeNAck } from './consume-n-ack.js';
import { getOffsets } from './get-offsets.js';
import { getTopicMetadata } from './get-topic-metadata.js';
import { listConsumers } from './list-consumers.js';
import { listTopics } from './list-topics.js';
import { produce } from './produce.js';
import { setOffsets } from './set-offsets.js';

export const methods: readonly Method[] = [
  produce,
  consumeNAck,
  ack,
  getOffsets,
  setOffsets,
  listTopics,
  listConsumers,
  getTopicMetadata,
];
