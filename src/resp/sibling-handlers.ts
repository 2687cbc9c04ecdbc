// This process's answers to the others behind the same port.
import { setImmediate as turn } from 'node:timers/promises';
import { meantOf } from './clients/client-filter.js';
import { clientLines } from './clients/client-line.js';
import { ownStatus } from './info/status.js';
import type { KafkaGateway } from './kafka/kafka-gateway.js';
import type { RespServer } from './server.js';
import type { Sibling } from './siblings/siblings.js';
import { ackEntries } from './streams/acks.js';
import { openGroups } from './streams/group-status.js';
import { ownSubscribed } from './streams/pubsub/subscribed.js';

/** @param metrics this process's metrics, if they are served */
export function answersOf(
  server: RespServer,
  gateway: KafkaGateway,
  metrics: Sibling['metrics'],
  renew: Sibling['renew'],
): Sibling {
  const { catalog, streams, identities } = gateway;
  return {
    metrics,
    renew,
    clients: (filter) => clientLines(server, filter),
    kill(filter) {
      const found = meantOf(filter, server.clients());
      for (const client of found) client.destroy();
      return found.length;
    },
    unblock: (id, how) => server.client(id)?.unblock(how) ?? false,
    async holds(key) {
      // Connections that have already ended are processed first.
      await turn();
      return identities.owner(key) !== undefined || server.names.holds(key) || streams.leases.holds(key);
    },
    ack(key, topic, partition, offset) {
      const consumer = identities.owner(key)?.consumer;
      if (!consumer) return false;
      return consumer.ack(topic, partition, offset)?.then(() => true) ?? true;
    },
    ackEntries: (group, topic, entries) => ackEntries(gateway, group, topic, entries),
    endGroups: (topic, kafkaGroup) => streams.groups.end(topic, kafkaGroup),
    openGroups: (topic, maxEntries) => openGroups(streams, topic, maxEntries),
    groupCommand: (call) => server.remotes.run(call),
    popElements: (call) => server.remotes.pop(call),
    cancelRemote: (conn) => server.remotes.cancel(conn),
    acknowledgeRemote: (conn) => server.remotes.acknowledge(conn),
    giveBackRemote: (conn, place) => server.remotes.giveBack(conn, place),
    remoteGone: (from, to) => server.remotes.gone(from, to),
    answeredUpTo: (topic, id) => {
      const offsets = streams.cursors.ofAny(topic, id)?.offsets;
      return offsets && [...offsets];
    },
    writtenEnds: (topic) => catalog.written.own(topic),
    forgetTopics(deleted) {
      catalog.forget();
      if (deleted === undefined) return;
      catalog.written.forget(deleted);
      streams.topics.forget(deleted);
      streams.cursors.end(deleted);
    },
    leftRecords: (owner) => gateway.leftRecords.of(owner),
    noteLeftRecords: (owner) => gateway.leftRecords.noteElsewhere(owner),
    subscriptions: () => ownSubscribed(server.clients()),
    status: () => ownStatus(server),
    resetStats: () => server.stats.reset(),
    feedMonitors: (on) => server.monitors.feedElsewhere(on),
    showMonitors: (lines) => server.monitors.show(Buffer.from(lines, 'latin1')),
    connectionsElsewhere: (count) => server.connectionsElsewhere(count),
  };
}
