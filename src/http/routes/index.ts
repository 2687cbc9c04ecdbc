// The REST operations: one file each.
import type { Route } from '../route.js';
import { ack } from './ack.js';
import { consume } from './consume.js';
import { getOffsets } from './get-offsets.js';
import { getTopic } from './get-topic.js';
import { listConsumers } from './list-consumers.js';
import { listTopics } from './list-topics.js';
import { produce } from './produce.js';
import { setOffsets } from './set-offsets.js';

export const routes: readonly Route[] = [
  produce,
  consume,
  ack,
  getOffsets,
  setOffsets,
  listConsumers,
  listTopics,
  getTopic,
];
