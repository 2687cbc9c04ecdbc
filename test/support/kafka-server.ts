// A real Apache Kafka on loopback for tests: jars from a cache outside of the repository, data in a temporary directory.
//
// By hand: node build/test/support/kafka-server.js [--port 19092] [--nodes 3] [--sasl] [--tls]
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';

const libs = process.env.RAFKA_KAFKA_LIBS ?? join(homedir(), '.cache/rafka/kafka-4.3.1/libs');
/** Made once and kept beside the jars: an AppCDS archive (starts in 1 s instead of 3) and a formatted log directory's seed. */
const archive = join(dirname(libs), 'kafka.jsa');
const seed = join(dirname(libs), 'bootstrap-scram.checkpoint');

const startTimeoutMs = 60_000;
const stopTimeoutMs = 20_000;

/** The one user of the SASL listeners (PLAIN and both SCRAMs). */
export const saslUser = { username: 'alice', password: 'alice-secret' } as const;

export interface KafkaServerOptions {
  readonly nodes?: number;
  /** Port of the first node's PLAINTEXT listener; absent: any free one. */
  readonly port?: number;
  /** Adds a SASL_PLAINTEXT listener (see saslBrokers). */
  readonly sasl?: boolean;
  /** Adds a TLS listener (see tlsBrokers, caFile). */
  readonly tls?: boolean;
  /** Over the server.properties of every node. */
  readonly properties?: Readonly<Record<string, string>>;
  /** For benchmarks: more heap and the optimising compiler. */
  readonly fast?: boolean;
}

/** Why no Kafka can be started here; undefined when one can. A test skips with this text, or fails with RAFKA_REQUIRE=1. */
export function whyNoKafka(): string | undefined {
  if (!existsSync(libs) || readdirSync(libs).length === 0) {
    return `no Apache Kafka in ${libs} (fetch it with scripts/fetch-kafka.mjs, or set RAFKA_KAFKA_LIBS)`;
  }
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no Java on the path';
  }
}

interface Node {
  readonly id: number;
  readonly dir: string;
  readonly port: number;
  process: ChildProcess | undefined;
}

/** One cluster. Whoever starts it stops it. */
export class KafkaServer {
  readonly brokers: string;
  /** Brokers of the SASL listener, with option `sasl`. */
  readonly saslBrokers: string;
  /** Brokers of the TLS listener, with option `tls`; its certificate is signed by `caFile`. */
  readonly tlsBrokers: string;
  readonly caFile: string;
  /** A client's certificate, signed by `caFile`, and its key. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  readonly #dir: string;
  readonly #nodes: readonly Node[];
  readonly #fast: boolean;
  readonly #heir: ChildProcess;

  private constructor(dir: string, nodes: readonly Node[], sasl: number[], tls: number[], fast: boolean) {
    const list = (ports: readonly number[]) => ports.map((port) => `127.0.0.1:${port}`).join(',');
    this.#dir = dir;
    this.#nodes = nodes;
    this.#fast = fast;
    this.#heir = leaveTo(dir);
    this.brokers = list(nodes.map(({ port }) => port));
    this.saslBrokers = list(sasl);
    this.tlsBrokers = list(tls);
    this.caFile = join(dir, 'ca.pem');
    this.clientCertFile = join(dir, 'client.crt');
    this.clientKeyFile = join(dir, 'client.key');
  }

  static async start(options: KafkaServerOptions = {}): Promise<KafkaServer> {
    const { nodes: count = 1, sasl = false, tls = false, properties = {}, fast = false } = options;
    const dir = mkdtempSync(join(tmpdir(), 'rafka-kafka-'));
    const ports = await freePorts(count * 4);
    const at = (kind: number) => ports.slice(kind * count, (kind + 1) * count);
    const plain = at(0);
    if (options.port !== undefined) plain[0] = options.port;
    if (tls) makeCertificates(dir);
    const layout: Layout = { controllers: at(1), plain, sasl: sasl ? at(2) : [], tls: tls ? at(3) : [], dir };
    const clusterId = randomBytes(16).toString('base64url');
    const nodes = plain.map((port, index) => layNode(index, port, clusterId, layout, properties));
    const server = new KafkaServer(dir, nodes, layout.sasl, layout.tls, fast);
    try {
      await Promise.all(nodes.map((node) => server.#run(node)));
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get nodeCount(): number {
    return this.#nodes.length;
  }

  /** Stops every node and removes the data. */
  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => end(node, 'SIGTERM')));
    rmSync(this.#dir, { recursive: true, force: true });
    this.#heir.stdin?.end();
  }

  /** Stops a node in order; data and port stay. */
  async halt(node = 0): Promise<void> {
    await end(this.#nodes[node], 'SIGTERM');
  }

  async kill9(node = 0): Promise<void> {
    await end(this.#nodes[node], 'SIGKILL');
  }

  /** Starts a node again, on the same port and data; stops it before where it runs. @param properties over those that it had */
  async restart(node = 0, properties: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.halt(node);
    // Of a key that is there twice Java takes the last.
    const lines = Object.entries(properties).map(([key, value]) => `\n${key}=${value}`);
    appendFileSync(join(this.#nodes[node]!.dir, 'server.properties'), lines.join(''));
    await this.#run(this.#nodes[node]!);
  }

  /** Starts a node that was killed again, on the same data and another port of its PLAINTEXT listener. */
  async restartOn(port: number, node = 0): Promise<void> {
    const { dir, port: before } = this.#nodes[node]!;
    const file = join(dir, 'server.properties');
    const listener = (at: number) => `PLAINTEXT://127.0.0.1:${at}`;
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(listener(before), listener(port)));
    await this.restart(node);
  }

  /** Freezes a node: connections stay up and nothing answers. */
  pause(node = 0): void {
    this.#nodes[node]?.process?.kill('SIGSTOP');
  }

  resume(node = 0): void {
    this.#nodes[node]?.process?.kill('SIGCONT');
  }

  /** Process ids, for measurements. */
  get pids(): number[] {
    return this.#nodes.flatMap(({ process }) => process?.pid ?? []);
  }

  async #run(node: Node): Promise<void> {
    const newArchive = `${archive}.${process.pid}-${node.id}`;
    const shared = existsSync(archive)
      ? [`-XX:SharedArchiveFile=${archive}`]
      : [`-XX:ArchiveClassesAtExit=${newArchive}`];
    const heap = this.#fast ? ['-Xms512m', '-Xmx512m'] : ['-Xms128m', '-Xmx256m', '-XX:TieredStopAtLevel=1'];
    const flags = [
      '-XX:+UseSerialGC',
      ...heap,
      ...shared,
      `-Dlog4j2.configurationFile=${join(this.#dir, 'log4j2.yaml')}`,
    ];
    const child = spawn('java', ['-cp', `${libs}/*`, ...flags, 'kafka.Kafka', join(node.dir, 'server.properties')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    node.process = child;
    writeFileSync(join(node.dir, 'pid'), String(child.pid));
    child.once('exit', () => {
      node.process = undefined;
      if (existsSync(newArchive)) renameSync(newArchive, archive);
    });
    const logFile = createWriteStream(join(node.dir, 'server.log'), { flags: 'a' });
    child.stderr.pipe(logFile, { end: false });
    const deadline = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
    try {
      await started(child, (line) => logFile.write(`${line}\n`));
    } catch {
      throw new Error(`Kafka did not start:\n${readFileSync(join(node.dir, 'server.log'), 'utf8').slice(-3000)}`);
    } finally {
      clearTimeout(deadline);
    }
  }
}

/** Kills the nodes and removes their data when this process is gone, however it went: the pipe to it closes then. */
function leaveTo(dir: string): ChildProcess {
  const script = 'cat; for pid in "$0"/node-*/pid; do [ -e "$pid" ] && kill -9 "$(cat "$pid")"; done; rm -rf "$0"';
  const heir = spawn('sh', ['-c', script, dir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  heir.unref();
  (heir.stdin as Socket).unref();
  return heir;
}

/** Reads the server's log until it says that it serves; goes on reading afterwards. */
function started(child: ChildProcess, write: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('exited')));
    createInterface({ input: child.stdout! }).on('line', (line) => {
      write(line);
      if (line.includes('Kafka Server started')) resolve();
    });
  });
}

async function end(node: Node | undefined, signal: NodeJS.Signals): Promise<void> {
  const child = node?.process;
  if (!child) return;
  const exited = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill(signal);
  const deadline = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await exited;
  clearTimeout(deadline);
}

interface Layout {
  readonly controllers: number[];
  readonly plain: number[];
  readonly sasl: number[];
  readonly tls: number[];
  readonly dir: string;
}

function layNode(
  index: number,
  port: number,
  clusterId: string,
  layout: Layout,
  properties: Readonly<Record<string, string>>,
): Node {
  const id = index + 1;
  const dir = join(layout.dir, `node-${id}`);
  const data = join(dir, 'data');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(layout.dir, 'log4j2.yaml'), log4j);
  const text = Object.entries({ ...serverProperties(id, data, layout), ...properties })
    .map(([key, value]) => `${key}=${value}`)
    .join('\n');
  writeFileSync(join(dir, 'server.properties'), text);
  if (!existsSync(seed)) format(dir, clusterId, seed);
  copyFileSync(seed, join(data, 'bootstrap.checkpoint'));
  const directoryId = randomBytes(16).toString('base64url');
  writeFileSync(
    join(data, 'meta.properties'),
    `version=1\nnode.id=${id}\ncluster.id=${clusterId}\ndirectory.id=${directoryId}\n`,
  );
  return { id, dir, port, process: undefined };
}

/** Formats a directory once, to keep what it writes about metadata versions and the SCRAM user. */
function format(dir: string, clusterId: string, into: string): void {
  const { username, password } = saslUser;
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
  const scratch = mkdtempSync(join(tmpdir(), 'rafka-format-'));
  const config = join(scratch, 'server.properties');
  const text = readFileSync(join(dir, 'server.properties'), 'utf8').replace(
    /^log\.dirs=.*/m,
    `log.dirs=${scratch}/data`,
  );
  writeFileSync(config, text);
  const tool = ['-cp', `${libs}/*`, '-Xmx64m', '-XX:TieredStopAtLevel=1', 'kafka.tools.StorageTool', 'format'];
  execFileSync('java', [...tool, '-t', clusterId, '-c', config, ...users], { stdio: 'ignore' });
  copyFileSync(join(scratch, 'data/bootstrap.checkpoint'), `${into}.${process.pid}`);
  renameSync(`${into}.${process.pid}`, into);
  rmSync(scratch, { recursive: true });
}

function serverProperties(id: number, data: string, layout: Layout): Record<string, string> {
  const at = (ports: readonly number[]) => `127.0.0.1:${ports[id - 1]}`;
  const offered = [`PLAINTEXT://${at(layout.plain)}`];
  if (layout.sasl.length > 0) offered.push(`SASL_PLAINTEXT://${at(layout.sasl)}`);
  if (layout.tls.length > 0) offered.push(`SSL://${at(layout.tls)}`);
  const factor = String(Math.min(3, layout.plain.length));
  const minIsr = layout.plain.length >= 3 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': layout.controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    listeners: [...offered, `CONTROLLER://${at(layout.controllers)}`].join(','),
    'advertised.listeners': offered.join(','),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    'num.partitions': '4',
    'auto.create.topics.enable': 'true',
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': minIsr,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': minIsr,
    'default.replication.factor': factor,
    'min.insync.replicas': minIsr,
    // A killed node may come back after this long (ms); the default of 9 s only makes tests slow.
    'broker.session.timeout.ms': '5000',
    'broker.heartbeat.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'log.cleaner.dedupe.buffer.size': '10485760',
    'log.retention.ms': '-1',
    ...(layout.sasl.length > 0 ? saslProperties() : {}),
    ...(layout.tls.length > 0 ? tlsProperties(layout.dir) : {}),
  };
}

function saslProperties(): Record<string, string> {
  const { username, password } = saslUser;
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${plain} user_${username}="${password}";`,
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': `${scram};`,
    'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config': `${scram};`,
  };
}

const tlsProperties = (dir: string): Record<string, string> => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': join(dir, 'server.pem'),
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': join(dir, 'ca.pem'),
});

/** A certificate authority and a server certificate for 127.0.0.1, valid for a day. */
function makeCertificates(dir: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '1'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test CA');
  openssl('req', ...key.slice(0, 3), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(join(dir, 'san.cnf'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'san.cnf'];
  openssl('x509', '-req', '-in', 'server.csr', ...signing, '-out', 'server.crt');
  openssl('req', ...key.slice(0, 3), '-keyout', 'client.key', '-out', 'client.csr', '-subj', '/CN=client');
  openssl('x509', '-req', '-in', 'client.csr', ...signing, '-out', 'client.crt');
  const pem = readFileSync(join(dir, 'server.key'), 'utf8') + readFileSync(join(dir, 'server.crt'), 'utf8');
  writeFileSync(join(dir, 'server.pem'), pem);
}

const log4j = `Configuration:
  Appenders:
    Console: { name: out, PatternLayout: { pattern: "%d %p %m (%c)%n" } }
  Loggers:
    Root: { level: INFO, AppenderRef: { ref: out } }
`;

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

async function byHand(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      nodes: { type: 'string', default: '1' },
      sasl: { type: 'boolean', default: false },
      tls: { type: 'boolean', default: false },
      fast: { type: 'boolean', default: false },
    },
  });
  const why = whyNoKafka();
  if (why) throw new Error(why);
  const { port, nodes, ...rest } = values;
  const server = await KafkaServer.start({
    ...rest,
    nodes: Number(nodes),
    ...(port === undefined ? {} : { port: Number(port) }),
  });
  console.log(`PLAINTEXT ${server.brokers}`);
  if (rest.sasl) console.log(`SASL_PLAINTEXT ${server.saslBrokers} (${saslUser.username} ${saslUser.password})`);
  if (rest.tls) console.log(`SSL ${server.tlsBrokers} (CA ${server.caFile})`);
  const stop = () => server.stop().then(() => process.exit(0));
  process.once('SIGINT', stop).once('SIGTERM', stop);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await byHand();

/** One of Kafka's own programs. @throws where it ends with an error or takes more than a minute */
export async function kafkaTool(mainClass: string, args: readonly string[]): Promise<void> {
  const flags = ['-cp', `${libs}/*`, '-Xmx96m', '-XX:TieredStopAtLevel=1'];
  await promisify(execFile)('java', [...flags, mainClass, ...args], { timeout: 60_000 });
}
