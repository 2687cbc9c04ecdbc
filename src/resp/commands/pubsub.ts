// PUBSUB: who listens to what, in all processes of this gateway. Subscribers of other gateways, and of Kafka itself, are not known.
import { container } from '../command/container.js';
import { channels, numpat, numsub } from './pubsub/subscribed.js';

export const pubsub = container({
  name: 'pubsub',
  group: 'pubsub',
  summary: 'A container for commands that show subscriptions.',
  since: '2.8.0',
  subcommands: [channels, numpat, numsub],
});
