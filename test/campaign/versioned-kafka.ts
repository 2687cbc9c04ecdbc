// One broker of an old or new Apache Kafka: ZooKeeper beside it before 3.3, its own controller since. Jars as scripts/fetch-kafka.mjs left them.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../support/gateway.js';

/** How long ZooKeeper or a broker may take to start, and to stop, ms. */
const startMs = 60_000;
const stopMs = 15_000;

/** Whoever starts it stops it. */
export class VersionedKafka {
  readonly brokers: string;
  readonly #dir: string;
  readonly #processes: ChildProcess[] = [];

  private constructor(dir: string, brokers: string) {
    this.#dir = dir;
    this.brokers = brokers;
  }

  /** @param libs the folder of jars. @throws Error with the end of the log when it does not start in time */
  static async start(version: string, libs: string): Promise<VersionedKafka> {
    const dir = mkdtempSync(join(tmpdir(), 'rafka-versions-'));
    const [port, other] = [await freePort(), await freePort()];
    const server = new VersionedKafka(dir, `127.0.0.1:${port}`);
    writeFileSync(join(dir, 'log4j.properties'), log4j);
    writeFileSync(join(dir, 'log4j2.yaml'), log4j2);
    mkdirSync(join(dir, 'data'));
    try {
      const properties = isBefore(version, 3, 3)
        ? await server.#withZooKeeper(libs, other)
        : ownController(dir, port, other);
      const all = { ...common(dir, server.brokers), ...properties };
      const config = join(dir, 'server.properties');
      writeFileSync(config, lines(all));
      if ('process.roles' in all) format(libs, config);
      await server.#java(libs, /Kafka Server started|started \(kafka\.server\.Kafka/, 'kafka.Kafka', config);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const child of this.#processes.toReversed()) await end(child);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #withZooKeeper(libs: string, port: number): Promise<Record<string, string>> {
    const config = join(this.#dir, 'zoo.cfg');
    const address = { clientPort: port, clientPortAddress: '127.0.0.1' };
    writeFileSync(
      config,
      lines({ dataDir: `${this.#dir}/zoo`, ...address, 'admin.enableServer': false, maxClientCnxns: 0 }),
    );
    await this.#java(libs, /binding to port/, 'org.apache.zookeeper.server.ZooKeeperServerMain', config);
    return { 'broker.id': '1', 'zookeeper.connect': `127.0.0.1:${port}` };
  }

  async #java(libs: string, ready: RegExp, main: string, config: string): Promise<void> {
    const log = join(this.#dir, `${main}.log`);
    const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const logging = [
      `-Dlog4j.configuration=file:${this.#dir}/log4j.properties`,
      `-Dlog4j2.configurationFile=${this.#dir}/log4j2.yaml`,
    ];
    const child = spawn('java', [...flags, ...logging, '-cp', `${libs}/*`, main, config], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.removeListener('exit', kill));
    child.stderr.on('data', (text) => appendFileSync(log, text));
    const started = new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error(`${main} did not start:\n${readFileSync(log, 'utf8').slice(-2_000)}`));
      const late = setTimeout(fail, startMs);
      child.once('exit', fail);
      createInterface({ input: child.stdout }).on('line', (line) => {
        appendFileSync(log, `${line}\n`);
        if (!ready.test(line)) return;
        clearTimeout(late);
        resolve();
      });
    });
    await started;
  }
}

/** Whether a version is older than major.minor. */
export function isBefore(version: string, major: number, minor: number): boolean {
  const [ours = 0, its = 0] = version.split('.').map(Number);
  return ours < major || (ours === major && its < minor);
}

const common = (dir: string, address: string): Record<string, string> => ({
  listeners: `PLAINTEXT://${address}`,
  'advertised.listeners': `PLAINTEXT://${address}`,
  'log.dirs': join(dir, 'data'),
  'num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.dedupe.buffer.size': '10485760',
});

const ownController = (dir: string, port: number, controller: number): Record<string, string> => ({
  ...common(dir, `127.0.0.1:${port}`),
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@127.0.0.1:${controller}`,
  listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
});

function format(libs: string, config: string): void {
  const id = randomBytes(16).toString('base64url');
  const tool = ['-Xmx64m', '-cp', `${libs}/*`, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config];
  execFileSync('java', tool, { stdio: 'ignore' });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), stopMs);
  await exited;
  clearTimeout(late);
}

const lines = (settings: Readonly<Record<string, unknown>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

const log4j = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
`;

const log4j2 = `Configuration:
  Appenders:
    Console: { name: out, PatternLayout: { pattern: "%d %p %m (%c)%n" } }
  Loggers:
    Root: { level: INFO, AppenderRef: { ref: out } }
`;
