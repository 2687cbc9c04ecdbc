// A process that calls Kafka as it is told, one call at a time: it must not end whatever answers come. Told by IPC: { call }; tells
// { failure } then, null for a call that got an answer.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NativeConsumer, type NativeError, type NativeProducer, native } from '../../../src/kafka/native.js';

/** What the calls are about; the test makes them. */
export const subjects = {
  topic: 'fuzzed',
  classic: 'classic',
  odd: 'odd',
  latest: 'latest',
  reader: 'reader',
} as const;
/** How long one call may wait for its answer, ms. */
const callMs = 250;
/** How long a close may take, ms. */
const closeMs = 2_000;

type Done = (error?: NativeError | null) => void;
type Ask = (client: NativeProducer, done: Done) => void;

const { topic, classic, odd, latest, reader } = subjects;
const at = [{ topic, partition: 0, offset: 0, metadata: '' }];

/** Questions of an admin client that stays: nothing of them changes anything. */
export const questions = {
  createTopic: (client, done) => client.createTopic(topic, 1, 1, [], callMs, done),
  validateTopic: (client, done) => client.validateTopic('quorum', callMs, done),
  deleteTopic: (client, done) => client.deleteTopic('never-made', callMs, done),
  createPartitions: (client, done) => client.createPartitions(topic, 2, callMs, done),
  deleteRecords: (client, done) => client.deleteRecords(at, callMs, done),
  describeTopics: (client, done) => client.describeTopics([topic], -1, callMs, done),
  describeCluster: (client, done) => client.describeCluster(-1, callMs, done),
  describeConfigs: (client, done) => client.describeConfigs([topic], -1, callMs, done),
  listGroups: (client, done) => client.listGroups(callMs, done),
  describeGroups: (client, done) => client.describeGroups([classic, odd, latest, 'nobody'], callMs, done),
  groupOffsets: (client, done) => client.groupOffsets(reader, at, callMs, done),
  commitGroupOffsets: (client, done) => client.commitGroupOffsets('idle', at, callMs, done),
  deleteGroupOffsets: (client, done) => client.deleteGroupOffsets('idle', at, callMs, done),
  deleteGroup: (client, done) => client.deleteGroup('nobody', callMs, done),
  listOffsets: (client, done) => client.listOffsets([{ topic, partition: 0, offset: -1 }], callMs, done),
  metadata: (client, done) => client.getMetadata({ topic: '', allTopics: true, timeout: callMs }, done),
  watermarks: (client, done) => client.queryWatermarkOffsets(topic, 0, callMs, done),
} satisfies Record<string, Ask>;

const settings = (more: object = {}) => ({
  'bootstrap.servers': process.argv[2],
  'client.id': 'victim',
  'reconnect.backoff.ms': 10,
  'reconnect.backoff.max.ms': 20,
  'retry.backoff.ms': 10,
  'retry.backoff.max.ms': 20,
  'topic.metadata.refresh.fast.interval.ms': 10,
  'socket.timeout.ms': 1_000,
  log_level: 0,
  ...(process.env.VICTIM_DEBUG ? { debug: process.env.VICTIM_DEBUG, log_level: 7 } : {}),
  ...more,
});

/** Whole lives of clients. */
export const lives = {
  connect: async () => {
    const client = new native.Producer(settings(), {});
    await living(client, () => undefined);
  },
  produce: async () => {
    const client = new native.Producer(
      settings({ 'enable.idempotence': true, 'linger.ms': 0, 'message.timeout.ms': callMs }),
      {},
    );
    await living(client, async () => {
      client.produceMany(topic, Buffer.from('value'), new Int32Array([-1, 5, 0, 0]), 1);
      await asked((done) => client.flush(callMs, done));
    });
  },
  transaction: async () => {
    const client = new native.Producer(
      settings({
        'transactional.id': 'victim',
        'linger.ms': 0,
        'message.timeout.ms': callMs,
        'transaction.timeout.ms': 1_000,
      }),
      {},
    );
    await living(client, async () => {
      await asked((done) => client.initTransactions(2 * callMs, done));
      await asked((done) => client.beginTransaction(done));
      client.produceMany(topic, Buffer.from('value'), new Int32Array([-1, 5, 0, 0]), 1);
      await asked((done) => client.commitTransaction(2 * callMs, done));
    });
  },
  consume: () => consuming({ 'session.timeout.ms': 6_000, 'heartbeat.interval.ms': 20 }),
  consumeLatest: () => consuming({ 'group.protocol': 'consumer' }),
  /** One partition of a topic that may have more. */
  consumeOne: () => consuming({}, (client) => client.assign([{ topic, partition: 0, offset: 0 }])),
};

async function consuming(
  more: object,
  begin: (client: NativeConsumer) => unknown = (client) => client.subscribe([topic]),
): Promise<void> {
  // Its own: a member that could not leave holds up the next ones until its session ends.
  const group = `${reader}-${process.pid}-${performance.now()}`;
  const client = new native.KafkaConsumer(
    settings({ 'group.id': group, 'fetch.wait.max.ms': 10, 'enable.auto.commit': false, ...more }),
    { 'auto.offset.reset': 'earliest' },
  );
  await living(client, async () => {
    begin(client);
    for (const limit = performance.now() + 2 * callMs; performance.now() < limit; ) {
      const bytes = await new Promise<Buffer | null>((resolve) =>
        client.consumeBatch(callMs, 10, (_error, found) => resolve(found)),
      );
      if (bytes) break;
    }
    await asked((done) => client.commitWithResult([{ topic, partition: 0, offset: 1 }], callMs, done));
    await asked((done) => client.offsetsForTimes([{ topic, partition: 0, offset: 1 }], callMs, done));
    await asked((done) => client.committed([{ topic, partition: 0 }], callMs, done));
  });
}

/** Connects, does it, closes; a failure is thrown after the end. */
async function living(client: Pick<NativeProducer, 'connect' | 'disconnect' | 'awaitBroker'>, act: () => unknown) {
  await asked((done) => client.connect(done));
  try {
    await asked((done) => client.awaitBroker(callMs, done));
    await act();
  } finally {
    // Given up as the gateway gives it up: the callback keeps the client, which would hold up the event loop if it were collected while it closes.
    await Promise.race([new Promise((resolve) => client.disconnect(() => resolve(client))), sleep(closeMs)]);
  }
}

function asked(call: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}

async function serve(): Promise<void> {
  const admin = new native.Producer(settings({ 'metadata.max.age.ms': 1_000 }), {});
  await asked((done) => admin.connect(done));
  process.on('message', async ({ call }: { call: string }) => {
    let failure: string | null = null;
    try {
      const question = (questions as Record<string, Ask>)[call];
      if (question) await asked((done) => question(admin, done));
      else await (lives as Record<string, () => Promise<void>>)[call]!();
    } catch (error) {
      failure = `${(error as NativeError).code}: ${(error as Error).message}`;
    }
    process.send!({ failure });
  });
  process.send!({ failure: null });
  await once(process, 'disconnect');
  process.exit(0);
}

if (process.send && process.argv[1] === import.meta.filename) await serve();
