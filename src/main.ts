// The command line: flags to configuration, signals to the shutdown, failures to exit codes. The only file that touches argv, env and process.
// Subcommands load their own modules: `rafka health` needs no Kafka client, and a gateway starts without the packages of unused listeners.
// First of all: what follows may be more than an older Node can read.
import './app/node-version.js';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Argument, Command, Option } from 'commander';
import { type Config, ConfigError, loadConfig, type Setting } from './app/config.js';
import { brokersFlag } from './app/flags.js';
import type { Program } from './app/program.js';
import { banner } from './cli/banner.js';
import { completion, type Shell, shells } from './cli/completion.js';
import { addFlags, flagSettings, forms, type Job, jobs, risSettings } from './cli/forms.js';
import { loadGateway, loadPixyJob, loadRelay, loadRis } from './cli/load.js';
import { manual } from './cli/manual.js';
import { memoryLimit } from './cli/memory-limit.js';
import { outlineOf } from './cli/outline.js';
import { notifySystemd } from './cli/systemd.js';
import { nearest } from './core/nearest.js';
import { own } from './core/promises.js';
import { watchRejections } from './core/stray-errors.js';
import { GatewayError } from './errors.js';
import { defaultOps } from './http/config.js';
import { createClock } from './io/clock.js';
import { createLog, type Log } from './log.js';
import { withTwoDashes } from './pixy/command.js';
import { PixyConfigError } from './pixy/file.js';
import { pinoLevel } from './relay/config/config.js';
import type { Relay } from './relay/relay.js';
import type { RisConfig } from './ris/config.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** How long a stopped process may take to end by itself before it is forced, ms. */
const lingerMs = 500;
/** How long Node may take to end the process, ms. See docs/decisions/0017. */
const exitMs = 2_000;
/** Time for outstanding acks, then for undelivered messages: Kafka-Pixy's defaults allow half a minute for the latter alone, ms. */
const pixyShutdownMs = 60_000;

const program = new Command('rafka')
  .description(
    'The gateway that makes Kafka as easy as Redis. Speaks RESP on 127.0.0.1:6380;\n' +
      'without -c it runs on an embedded Kafka, to try it out:\n\n' +
      '  redis-cli -p 6380 rpushx topics:greetings hello\n' +
      "  printf 'client setname me:1\\nblpop topics:greetings 5\\n' | redis-cli -p 6380",
  )
  .version(version, '-v, --version')
  .showHelpAfterError('(rafka --help lists the commands)')
  .enablePositionalOptions()
  .helpCommand(false)
  .action(runGateway);

forms.gateway(program);

program.command('worker', { hidden: true }).description('what --workers starts').action(serveAsWorker);

forms
  .relay(program.command('relay'))
  .version(version, '-v, --version')
  .description('copy topics from one of N identical Kafka clusters to another, as kaf-relay does; see docs/RELAY.md')
  .action(runRelay);

forms
  .pixy(program.command('pixy'))
  .description(
    "Kafka over HTTP and gRPC one message at a time, with Kafka-Pixy's own configuration; see docs/KAFKA-PIXY.md",
  )
  .action(runPixy);

forms
  .ris(program.command('ris'))
  .description('publish RIS Live as BMP to Kafka, in order, by one of N replicas at a time; see docs/RIS.md')
  .action(runRis);

const jobOption = () => new Option('--job <job>', 'what the configuration is for').choices([...jobs]);

program
  .command('health')
  .description('ask the program that runs here whether it is well: exit code 0 and a line, or 1')
  .argument('[flags...]', 'flags that it was started with; without any word it is looked for among the processes here')
  .allowUnknownOption()
  .option('-c, --config <file...>', 'its configuration')
  .addOption(jobOption())
  .option('--ready', 'ask whether it is ready: with Kafka, as /readyz says')
  .action(askHealth);

program
  .command('check')
  .description(
    'try a configuration: the brokers, users, TLS files and Redis that it names; exit code 1 when one is wrong',
  )
  .argument('[flags...]', "the job's own flags, like --brokers")
  .allowUnknownOption()
  .option('-c, --config <file...>', 'configuration')
  .addOption(jobOption())
  .action(checkAll);

program
  .command('completion')
  .description('print what makes a shell complete our commands and flags: source <(rafka completion bash)')
  .addArgument(new Argument('<shell>').choices([...shells]))
  .action((shell: Shell) => console.log(completion(shell, outlineOf(program))));

program
  .command('man')
  .description('print the manual page: rafka man | man -l -')
  .action(() => console.log(manual(outlineOf(program), { version, date: releaseDate() })));

program
  .command('help')
  .description('show the options of a command')
  .argument('[command...]')
  .action((words: string[]) => commandOf(words).outputHelp());

const decode = program
  .command('bmp')
  .description('work with BMP records')
  .helpCommand(false)
  .command('decode')
  .description('print BMP readably, from a file (.tsv, .hex or binary, bare or OpenBMP; .gz) or a topic')
  .argument('[file]')
  .option('--topic <name>', 'read this topic from its beginning (committed messages)')
  .option('--follow', 'go on with new messages')
  .option('-c, --config <file>', 'JSON configuration of the Kafka that has the topic')
  .action(decodeBmp);
addFlags(decode, [brokersFlag]);

if (!['health', 'completion', 'man', 'help'].includes(process.argv[2] ?? '')) {
  const { endWithin } = await import('./kafka/native.js');
  process.on('exit', (code) => endWithin(code, exitMs));
}
// Some tools send these to any process. Without a handler they end the process, or open Node's debugger (SIGUSR1).
for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const) process.on(signal, () => {});
try {
  const [, , first = '-'] = process.argv;
  if (!first.startsWith('-')) commandOf([first]);
  await program.parseAsync(process.argv[2] === 'pixy' ? withTwoDashes(process.argv) : process.argv);
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof GatewayError || error instanceof PixyConfigError)) throw error;
  console.error(`rafka: ${error.message}`);
  process.exit(1);
}

async function runGateway(_options: object, command: Command): Promise<void> {
  const config = withConsole(await loadGateway(command, process.env));
  const log = createLog(config.log);
  const again = () => loadGateway(command, process.env);
  const app = await run(
    log,
    config.shutdown.timeoutMs,
    async () => {
      if (config.resp.workers > 1) return (await import('./app/workers.js')).createPrimary(config, version, log, again);
      return (await import('./app/gateway.js')).createGateway(config, version, log, again);
    },
    config.memory?.lowered,
  );
  showBanner(app, kafkaOf(config), config.resp.requirepass !== undefined || config.resp.usersFile !== undefined);
}

/** To try it out on a terminal is to look at it: the console is served on its usual port, or on a free one. */
function withConsole(config: Config): Config {
  const isTried = config.embedded && process.stderr.isTTY && config.ops === undefined;
  return isTried ? { ...config, ops: { ...defaultOps, orAnyPort: true } } : config;
}

/** @throws ConfigError naming the nearest command for an unknown one */
function commandOf(words: readonly string[]): Command {
  return words.reduce<Command>((command, word) => {
    const found = command.commands.find((each) => each.name() === word);
    if (found) return found;
    const names = outlineOf(command).commands.map(({ name }) => name);
    if (names.length === 0) throw new ConfigError(`'${word}': ${command.name()} has no commands of its own`);
    throw new ConfigError(
      `unknown command '${word}': did you mean '${nearest(word, names)}'? They are ${names.join(', ')}`,
    );
  }, program);
}

/** Of the installed files: the date of package.json. */
function releaseDate(): string {
  return statSync(new URL('../package.json', import.meta.url))
    .mtime.toISOString()
    .slice(0, 10);
}

/** One of the processes of --workers. Terminals and supervisors signal all of them: only the primary decides when to stop. */
async function serveAsWorker(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const) process.on(signal, () => {});
  const { runWorker } = await import('./app/workers.js');
  const isWorker = runWorker(version, {
    onStart: (log) => watchRejections(process, log, () => end(log, 1)),
    onEnd: (log, inTime) => (log ? end(log, inTime ? 0 : 1) : process.exit(0)),
  });
  if (!isWorker) throw new ConfigError('workers are started by rafka --workers');
}

/** For units of Type=notify. */
function systemdState(log: Log, state: string): void {
  notifySystemd(process.env, [state], (reason) => log.warn({ reason }, 'systemd could not be notified'));
}

/** The first line of a log: what to name in a report of a fault, and the memory budgets that are below their usual values. */
async function sayVersions(log: Log, budgets: object = {}): Promise<void> {
  const { clientVersions } = await import('./kafka/versions.js');
  const memory = { limitBytes: memoryLimit(process.env), ...budgets };
  log.info({ version, node: process.versions.node, ...clientVersions, memory }, 'starting');
}

/** Runs until a signal: the first one stops in order, a second one or the time limit ends at once with exit code 1. */
async function run(
  log: Log,
  shutdownMs: number,
  create: () => Promise<Program>,
  budgets?: object,
): Promise<Program | undefined> {
  watchRejections(process, log, () => end(log, 1));
  let app: Program;
  let reloading: Promise<unknown> = Promise.resolve();
  let started: Program | undefined;
  process.on('SIGHUP', () => {
    // One after the other: the last one reads what is there at last.
    reloading = reloading
      .then(() => started?.reload())
      .then((known) => known || log.info('SIGHUP is ignored: nothing can be read again now'));
    own(reloading, (err) => log.error({ err }, 'reload failed: this is a bug'));
  });
  try {
    await sayVersions(log, budgets);
    app = await create();
    await app.start();
    started = app;
    systemdState(log, '--ready');
  } catch (error) {
    // Expected failures (a refused property, a port in use) carry a code: their text is enough.
    const { message, code } = error as Error & { code?: unknown };
    log.fatal(code === undefined ? { err: error } : { code }, `cannot start: ${message}`);
    end(log, 1);
    return undefined;
  }
  let stopping = false;
  const failed = (err: unknown): void => {
    log.fatal({ err }, 'the shutdown failed');
    end(log, 1);
  };
  const endNow = async (why: object, text: string): Promise<void> => {
    log.fatal({ ...why, undelivered: await app.undelivered() }, `${text}: ending at once`);
    app.abandon();
    end(log, 1);
  };
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      own(endNow({ signal }, 'second signal'), failed);
      return;
    }
    stopping = true;
    log.info({ signal }, 'shutting down');
    systemdState(log, 'STOPPING=1');
    const notTooLong = createClock(log).after(shutdownMs, () =>
      endNow({ afterMs: shutdownMs }, 'shutdown takes too long'),
    );
    const stopped = app.stop().then(() => {
      notTooLong();
      end(log, 0);
    });
    own(stopped, failed);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // As Kafka-Pixy; by default it would end the process at once.
  process.on('SIGQUIT', stop);
  return app;
}

/** Kafka-Pixy's process: its file and flags, exit code 1 for what it refuses to start with. */
async function runPixy({ pidFile }: { pidFile?: string }, command: Command): Promise<void> {
  const { createPixyProgram } = await import('./app/pixy.js');
  const file = loadPixyJob(command, process.env);
  const memoryBytes = memoryLimit(process.env);
  const log = createLog({ level: 'info' });
  if (pidFile !== undefined) writeFileSync(pidFile, String(process.pid), { mode: 0o644 });
  const app = await run(log, pixyShutdownMs, () =>
    createPixyProgram(file, process.env, version, log, {
      loadAgain: () => loadPixyJob(command, process.env),
      memoryBytes,
    }),
  );
  showBanner(
    app,
    file.proxies.map(({ name, values }) => `${name}: ${values['kafka.seed_peers'].join(',')}`).join('; '),
  );
}

/** Relays until every topic has ended, or until a signal. Exit code 1 if a topic stopped with an error. */
async function runRelay(_options: object, command: Command): Promise<void> {
  let relay: Relay | undefined;
  let stopped: NodeJS.Signals | undefined;
  let say: Log | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (!say) process.exit(0);
    if (stopped) {
      end(say, 1);
      return;
    }
    stopped = signal;
    say.info({ signal }, 'shutting down');
    if (relay) own(relay.drain(), (err) => say?.error({ err }, 'the shutdown failed'));
  };
  // Before anything is read or connected: a stop that early is one too.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const) process.on(signal, stop);
  process.on('SIGHUP', () => {
    if (!relay) return;
    const renewed = loadRelay(command, process.env).then(({ config }) => relay?.renew(config));
    own(renewed, (error) => say?.error({ err: (error as Error).message }, 'passwords are not read again'));
  });
  const { Relay } = await import('./relay/relay.js');
  const { relayOps } = await import('./app/console.js');
  const { createKafkaFactory } = await import('./kafka/factory.js');
  const { config, unknownKeys } = await loadRelay(command, process.env);
  const log = createLog({ level: pinoLevel(config.app.log_level) ?? 'info' });
  say = log;
  await sayVersions(log, { 'target.buffer_bytes': config.target.buffer_bytes });
  if (unknownKeys.length > 0) log.warn({ unknownKeys }, 'unknown keys are ignored');
  // A closed terminal fails its writes: a progress bar is no reason to end.
  if (process.stderr.isTTY) process.stderr.on('error', () => {});
  watchRejections(process, log, () => end(log, 1));
  const clock = createClock(log);
  relay = new Relay({
    config,
    createKafka: (properties) => createKafkaFactory({ general: properties, log }),
    clock,
    log,
    ops: relayOps({ version, clock, log }),
    ...(process.stderr.isTTY ? { terminal: process.stderr } : {}),
  });
  if (stopped) await relay.drain();
  // A filter or a cluster may keep it from starting for longer than a stop may take.
  await Promise.race([relay.start(), relay.finished]);
  systemdState(log, '--ready');
  const { failed, summary } = await relay.finished;
  const undelivered = await relay.close();
  if (undelivered > 0) log.warn({ undelivered }, 'read but neither delivered nor recorded: they will be read again');
  console.log(summary);
  end(log, failed > 0 ? 1 : 0);
}

interface RisOptions {
  readonly dryRun?: boolean;
  readonly input?: string;
  readonly output?: string;
}

/** The RIS worker on its own, or a file converted. */
async function runRis({ dryRun: isDry = false, input, output }: RisOptions, command: Command): Promise<void> {
  const { config, section } = await loadRis(command, process.env);
  if (isDry) {
    const isLateGiven = flagSettings(command, risSettings).some(([path]) => path === 'ris.late');
    return convertRis(input, output, section, isLateGiven);
  }
  const log = createLog(config.log);
  const { createRisProgram } = await import('./app/ris.js');
  const app = await run(
    log,
    Math.max(config.shutdown.timeoutMs, section.shutdownTimeoutMs * 2),
    () =>
      createRisProgram(config, section, version, log, {
        loadAgain: async () => (await loadRis(command, process.env)).config,
      }),
    config.memory?.lowered,
  );
  showBanner(app, kafkaOf(config));
}

/** What shapes the records applies to a conversion too; but by default a conversion does not drop late messages. */
async function convertRis(
  input: string | undefined,
  output: string | undefined,
  { topic, key, framing, raw, reorderMs, late }: RisConfig,
  isLateGiven: boolean,
): Promise<void> {
  if (input === undefined || output === undefined) throw new ConfigError('--dry-run needs --input and --output');
  const { dryRun } = await import('./ris/tools/dry-run.js');
  const encoder = { topic, key, framing, useRaw: raw, sysDescr: `rafka ${version}` };
  const order = { reorderMs, ...(isLateGiven ? { late } : {}) };
  console.log(JSON.stringify(await plainly(dryRun({ input, output, encoder, ...order })), null, 2));
}

/** A missing file, an unknown topic, no Kafka: reported in a line, without a stack. */
async function plainly<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { message, name, syscall } = error as Error & { syscall?: string };
    if (name === 'InputError' || name === 'KafkaError' || syscall !== undefined) throw new ConfigError(message);
    throw error;
  }
}

interface BmpOptions {
  readonly topic?: string;
  readonly follow?: boolean;
  readonly config?: string;
}

async function decodeBmp(file: string | undefined, options: BmpOptions, command: Command): Promise<void> {
  const { bmpFile, bmpTopic, printAll } = await import('./ris/index.js');
  const { config: path, topic, follow = false } = options;
  if ((file === undefined) === (topic === undefined)) throw new ConfigError('bmp decode needs a file, or --topic');
  if (file !== undefined) return plainly(printAll(bmpFile(file), process.stdout));
  // In a worker's container RAFKA_RIS_... variables make a `ris` section, which is incomplete without collectors.
  const flags: Setting[] = [['ris.host', 'all'], ...flagSettings(command, [brokersFlag])];
  const where = path === undefined ? {} : { file: path };
  const config = await loadConfig({ ...where, env: process.env, flags, offline: true });
  if (config.embedded) throw new ConfigError('--topic needs --config, --brokers or RAFKA_BROKERS');
  const log = createLog(config.log);
  const { createKafkaFactory } = await import('./kafka/factory.js');
  const kafka = await createKafkaFactory({ ...config, log });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    const messages = bmpTopic(kafka, { topic: topic as string, follow, signal: stop.signal });
    await plainly(printAll(messages, process.stdout));
  } finally {
    await kafka.close();
  }
}

/** A job's own flags, parsed as the job parses them. */
function parsedAs(job: Job, files: readonly string[], flags: readonly string[]): Command {
  const command = forms[job](new Command(`rafka ${job}`)).allowExcessArguments(false);
  const words = [...files.flatMap((file) => ['--config', file]), ...flags];
  return command.parse(job === 'pixy' ? withTwoDashes(words) : words, { from: 'user' });
}

interface AskOptions {
  readonly config?: string[];
  readonly job?: Job;
  readonly ready?: boolean;
}

async function askHealth(flags: string[], { config: files = [], job, ready = false }: AskOptions): Promise<void> {
  const { healthOf } = await import('./cli/health.js');
  const { whichJob } = await import('./cli/running.js');
  const found = whichJob({ job, files, flags }, process.pid);
  const { isWell, line } = await healthOf(found.job, parsedAs(found.job, found.files, found.flags), process.env, {
    wantsReady: ready,
    pid: found.pid,
  });
  process.stdout.write(`${isWell ? 'ok' : 'FAIL'}: ${found.job}: ${line}\n`);
  process.exitCode = isWell ? 0 : 1;
}

async function checkAll(flags: string[], { config: files = [], job }: AskOptions): Promise<void> {
  const { check } = await import('./cli/check.js');
  const { table } = await import('./cli/findings.js');
  const { jobOfFile } = await import('./cli/running.js');
  const chosen = job ?? jobOfFile(files[0]);
  const command = parsedAs(chosen, files, flags);
  const findings = await check(chosen, {
    command,
    env: process.env,
    now: Date.now(),
    log: createLog({ level: 'silent', pretty: false }),
  });
  process.stdout.write(`${table(findings)}\n`);
  process.exit(findings.some(({ state }) => state === 'FAIL') ? 1 : 0);
}

/** On a terminal, once everything listens, a banner shows what is available. Elsewhere the log says it. */
function showBanner(app: Program | undefined, kafka: string | undefined, isPasswordNeeded = false): void {
  if (!app || !process.stderr.isTTY) return;
  const { listeners } = app;
  const resp = listeners.find(({ name }) => name === 'resp' || name === 'workers');
  const facts = {
    version,
    node: process.versions.node,
    addresses: listeners.flatMap(({ name, addresses = [] }) =>
      addresses.map((address) => [name === 'workers' ? 'resp' : name, address] as const),
    ),
    kafka,
    console: listeners.map((each) => (each as { consoleAddress?: string }).consoleAddress).find(Boolean),
    respPort: (resp as { port?: number } | undefined)?.port,
    isPasswordNeeded,
    isColored: !process.env.NO_COLOR,
  };
  process.stderr.write(banner(facts));
}

/** As the banner shows it; undefined: embedded. */
function kafkaOf({ embedded, general, producer }: Config): string | undefined {
  if (embedded) return undefined;
  const { 'bootstrap.servers': brokers, 'metadata.broker.list': list } = { ...general, ...producer };
  return String(brokers ?? list ?? '');
}

/** Ends the process once the log is written. */
function end(log: Log, code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), lingerMs).unref();
  log.flush(() => process.exit(code));
}
