// RAFKA_* variables: the key of each, and which of them are not the gateway's.

import { secretProperties } from '../core/access/secrets.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Sections of librdkafka's own properties: their keys are single words, including dots. */
export const propertySections: readonly string[] = ['general', 'consumer', 'producer'];

/** Names that do not follow the rule: those of container files. An empty one is ignored. */
export const shortNames: Readonly<Record<string, string>> = {
  RAFKA_PASSWORD: 'resp.requirepass',
  RAFKA_PASSWORD_FILE: 'resp.requirepassFile',
  RAFKA_BROKERS: 'general.bootstrap.servers',
};

const prefix = 'RAFKA_';
const property = /^RAFKA_(?:CLUSTERS_(.+?)_)?(GENERAL|CONSUMER|PRODUCER)_(.+)$/;
/** Of the scripts and tests in this repository, whose environment a gateway may share. */
const ofTools = /^RAFKA_(?:CACHE|REQUIRE|KAFKA_LIBS|PYTHON|SHARED|KEEP_LOGS|(?:JUDGE|BENCH)_\w+)$/;
/** Of every job: cli/memory-limit.ts reads it. */
const ofProcess = 'RAFKA_MEMORY_LIMIT_BYTES';
/** Kubernetes sets these in every pod of a namespace that has a Service whose name begins with `rafka`. */
const ofKubernetes = /^RAFKA_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)\w*)$/;
const kubernetesPort = /^(?:tcp|udp|sctp):\/\//;

/** `resp.maxClients` is RAFKA_RESP_MAX_CLIENTS. */
export function environmentName(path: string): string {
  return `${prefix}${path
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('.', '_')
    .toUpperCase()}`;
}

/**
 * The path of a librdkafka property's variable; undefined for any other. As in Confluent's images `_` stands for a dot, `__`
 * for a dash, `___` for an underscore: RAFKA_GENERAL_SECURITY_PROTOCOL is `security.protocol` of `general`.
 * ..._FILE behind a secret names the file that holds it.
 * @param clusters names of the file's clusters, for RAFKA_CLUSTERS_<NAME>_GENERAL_...; another name is a new cluster's.
 */
export function propertyPath(name: string, clusters: readonly string[]): readonly string[] | undefined {
  const [, cluster, section, key] = property.exec(name) ?? [];
  if (section === undefined || key === undefined) return undefined;
  const file = key.endsWith('_FILE') ? propertyName(key.slice(0, -'_FILE'.length)) : '';
  const path = [section.toLowerCase(), secretProperties.includes(file) ? `${file}File` : propertyName(key)];
  if (cluster === undefined) return path;
  const known = clusters.find((each) => each.toUpperCase().replace(/[^A-Z0-9]/g, '_') === cluster);
  return ['clusters', known ?? cluster.toLowerCase(), ...path];
}

/** The gateway's variables that are set, including unknown ones. */
export function ownVariables(env: Environment): [name: string, value: string][] {
  return Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[0].startsWith(prefix) && entry[1] !== undefined && !isForeign(entry[0], entry[1]),
  );
}

function isForeign(name: string, value: string): boolean {
  return (
    name === ofProcess ||
    ofTools.test(name) ||
    ofKubernetes.test(name) ||
    (name.endsWith('PORT') && kubernetesPort.test(value))
  );
}

const propertyName = (key: string): string =>
  key.toLowerCase().replace(/_+/g, (run) => ({ 1: '.', 2: '-', 3: '_' })[run.length] ?? run);
