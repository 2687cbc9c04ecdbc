// librdkafka's connection properties in the terms of @platformatic/kafka, which does what librdkafka's binding can't.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { AdminOptions, SASLOptions } from '@platformatic/kafka';

/** How long one admin call may take, ms. */
export const adminTimeoutMs = 5000;

type Values = Readonly<Record<string, string>>;

/**
 * Options of an Admin that reaches the same brokers in the same way, or why that is not possible.
 * Kerberos and OAuth need librdkafka.
 */
export function adminOptions(properties: Values): AdminOptions | { readonly unsupported: string } {
  const protocol = (properties['security.protocol'] ?? 'plaintext').toLowerCase();
  const brokers = brokerList(properties);
  const options: AdminOptions = {
    clientId: `${properties['client.id'] ?? 'rafka'}-admin`,
    bootstrapBrokers: brokers,
    timeout: adminTimeoutMs,
    connectTimeout: adminTimeoutMs,
    requestTimeout: adminTimeoutMs,
    // Its own retries wait a second each.
    retries: 0,
    autocreateTopics: false,
  };
  if (protocol.includes('ssl')) {
    options.tls = tls(properties);
    options.tlsServerName = brokers.every(({ host }) => isIP(host) === 0);
  }
  if (protocol.startsWith('sasl')) {
    const authentication = sasl(properties);
    if (typeof authentication === 'string') return { unsupported: authentication };
    options.sasl = authentication;
  }
  return options;
}

/** host:port pairs; librdkafka takes them with a protocol in front and without a port, too. */
export function brokerList(properties: Values): { host: string; port: number }[] {
  const list = properties['bootstrap.servers'] ?? properties['metadata.broker.list'] ?? '';
  return list
    .split(',')
    .map((broker) => broker.trim().replace(/^\w+:\/\//, ''))
    .filter((broker) => broker !== '')
    .map((broker) => {
      const [, host = broker, port = '9092'] = /^(.*?)(?::(\d+))?$/.exec(broker) ?? [];
      return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
    });
}

function sasl(properties: Values): SASLOptions | string {
  const mechanism = (properties['sasl.mechanism'] ?? properties['sasl.mechanisms'] ?? 'GSSAPI').toUpperCase();
  if (mechanism !== 'PLAIN' && mechanism !== 'SCRAM-SHA-256' && mechanism !== 'SCRAM-SHA-512') {
    return `sasl.mechanism ${mechanism}`;
  }
  return {
    mechanism,
    username: properties['sasl.username'] ?? '',
    password: properties['sasl.password'] ?? '',
  };
}

function tls(properties: Values): TlsOptions {
  const pem = (kind: string) => {
    const file = properties[`ssl.${kind}.location`];
    return properties[`ssl.${kind}.pem`] ?? (file === undefined ? undefined : readFileSync(file));
  };
  const keystore = properties['ssl.keystore.location'];
  const passphrase = keystore ? properties['ssl.keystore.password'] : properties['ssl.key.password'];
  const options: TlsOptions = {
    ca: pem('ca'),
    cert: pem('certificate'),
    key: pem('key'),
    pfx: keystore === undefined ? undefined : readFileSync(keystore),
    passphrase,
    ciphers: properties['ssl.cipher.suites'],
    rejectUnauthorized: properties['enable.ssl.certificate.verification'] !== 'false',
  };
  if (properties['ssl.endpoint.identification.algorithm'] === 'none') options.checkServerIdentity = () => undefined;
  return options;
}
