// The command line of `rafka pixy`: Kafka-Pixy's flags, which override its file.
import { loadPixyFile, PixyConfigError, type PixyFile, type ProxyOverrides } from './file.js';

/** As commander names them. */
export interface PixyFlags {
  readonly kafkaPeers?: string;
  readonly zookeeperPeers?: string;
  readonly grpcAddr?: string;
  readonly tcpAddr?: string;
  readonly unixAddr?: string;
  readonly tls?: boolean;
  readonly caCertFile?: string;
  readonly clientCertFile?: string;
  readonly clientCertKeyFile?: string;
  readonly insecureTLS?: boolean;
  readonly usersFile?: string;
  readonly requirepass?: string;
  /** Always set: true without its flag. */
  readonly protectedMode?: boolean;
}

/** In commander's form, with their descriptions. */
export const pixyFlags: readonly (readonly [flag: string, about: string])[] = [
  ['--kafkaPeers <list>', "the default cluster's brokers, host:port,... (default: localhost:9092)"],
  ['--zookeeperPeers <list>', 'ignored: groups are kept by Kafka itself'],
  ['--grpcAddr <address>', 'gRPC address (default: 0.0.0.0:19091)'],
  ['--tcpAddr <address>', 'HTTP address (default: 0.0.0.0:19092)'],
  ['--unixAddr <path>', 'HTTP on a unix socket'],
  ['--tls', 'TLS to the default cluster'],
  ['--caCertFile <file>', 'its certificate authority (PEM)'],
  ['--clientCertFile <file>', 'our certificate for it (PEM)'],
  ['--clientCertKeyFile <file>', 'the key of our certificate (PEM)'],
  ['--insecureTLS', "don't verify its certificate"],
  ['--users-file <file>', 'users with their rights (JSON)'],
  ['--requirepass <password>', 'password that clients send (also: RAFKA_PASSWORD)'],
  ['--no-protected-mode', 'accept other machines without a password'],
];

const switches = /^(--(?:tls|insecureTLS))=(.*)$/;

/** As Go parses flags: `-config x` is `--config x`, and `-tls=true` is `--tls`; a false one cannot be expressed. */
export const withTwoDashes = (argv: readonly string[]): string[] =>
  argv
    .map((word) => (/^-[a-zA-Z]{2,}(=|$)/.test(word) ? `-${word}` : word))
    .flatMap((word) => {
      const [, name, value = ''] = switches.exec(word) ?? [];
      if (name === undefined) return [word];
      return /^(?:1|t|true)$/i.test(value) ? [name] : [];
    });

/** The environment's settings: they override the file, and flags override them. Empty means not set. */
export interface PixyEnvironment {
  readonly password?: string | undefined;
  readonly usersFile?: string | undefined;
}

/** @param text the file's text; undefined without one. @throws PixyConfigError */
export function loadPixy(text: string | undefined, flags: PixyFlags, environment: PixyEnvironment = {}): PixyFile {
  const given: ProxyOverrides = {
    ...(flags.kafkaPeers === undefined ? {} : { 'kafka.seed_peers': flags.kafkaPeers.split(',') }),
    ...(flags.zookeeperPeers === undefined ? {} : { 'zoo_keeper.seed_peers': flags.zookeeperPeers.split(',') }),
    ...(flags.tls ? { 'kafka.tls': true } : {}),
    ...(flags.caCertFile === undefined ? {} : { 'kafka.ca_certificate_file': flags.caCertFile }),
    ...(flags.clientCertFile === undefined ? {} : { 'kafka.client_certificate_file': flags.clientCertFile }),
    ...(flags.clientCertKeyFile === undefined ? {} : { 'kafka.client_key_file': flags.clientCertKeyFile }),
    ...(flags.insecureTLS ? { 'kafka.insecure': true } : {}),
  };
  const file = loadPixyFile(text, given);
  if (flags.requirepass === '') throw new PixyConfigError('--requirepass must not be empty');
  const { grpcAddr = file.grpcAddr, tcpAddr = file.tcpAddr, unixAddr = file.unixAddr } = flags;
  const access = {
    ...file.access,
    usersFile: flags.usersFile ?? (environment.usersFile || file.access.usersFile),
    requirepass: flags.requirepass ?? (environment.password || file.access.requirepass),
    protectedMode: flags.protectedMode !== false && file.access.protectedMode,
  };
  return { ...file, grpcAddr, tcpAddr, unixAddr, access };
}
