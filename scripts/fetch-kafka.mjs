// A real Apache Kafka for the tests, from Maven Central into the cache: `node scripts/fetch-kafka.mjs [version]` prints where its jars are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const KAFKA_VERSION = '4.3.1';
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** What logs for a version: without a backend the broker logs nothing, not even that it has started. */
const log4j2 = ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'];
const reload4j = ['org.slf4j', 'slf4j-reload4j', '1.7.36'];
const log4j12 = (version) => ['org.slf4j', 'slf4j-log4j12', version];
// The client of ZooKeeper 3.4.14 finds no server with Java 14 and newer.
const oldZooKeeper = ['org.apache.zookeeper', 'zookeeper', '3.4.10'];

/** The versions that the gateway is tried with: which Scala each is built for, and what it needs besides. */
const versions = {
  '1.1.1': { scala: '2.12', extras: [log4j12('1.7.25')] },
  '2.3.1': { scala: '2.12', extras: [log4j12('1.7.26'), oldZooKeeper] },
  '2.8.2': { scala: '2.13', extras: [log4j12('1.7.30')] },
  '3.3.2': { scala: '2.13', extras: [reload4j] },
  '3.6.2': { scala: '2.13', extras: [reload4j] },
  '3.9.2': { scala: '2.13', extras: [reload4j] },
  [KAFKA_VERSION]: { scala: '2.13', extras: [log4j2] },
};

export const KAFKA_VERSIONS = Object.keys(versions);

/** Where a version's jars are or belong: RAFKA_KAFKA_LIBS for the tests' own, else below the cache. */
export function kafkaLibs(version = KAFKA_VERSION) {
  const cache = process.env.RAFKA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rafka');
  const given = version === KAFKA_VERSION ? process.env.RAFKA_KAFKA_LIBS : undefined;
  return given ?? join(cache, `kafka-${version}`, 'libs');
}

/** @returns the folder of jars, fetched with Maven if it was missing. @throws Error naming what is missing */
export function fetchKafka(version = KAFKA_VERSION) {
  if (!versions[version]) throw new Error(`no Kafka ${version}: there are ${KAFKA_VERSIONS.join(', ')}`);
  const libs = kafkaLibs(version);
  if (hasKafka(libs, version)) return libs;
  const scratch = `${libs}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    writeFileSync(join(scratch, 'pom.xml'), pom(version));
    const args = ['-B', '-ntp', '-q', '-f', join(scratch, 'pom.xml'), PLUGIN];
    const mvn = spawnSync('mvn', [...args, `-DoutputDirectory=${scratch}/libs`, '-DincludeScope=runtime'], {
      stdio: ['ignore', 2, 2],
    });
    if (mvn.error) throw new Error('fetching Kafka needs Maven and Java 17: sudo apt-get install -y maven');
    if (mvn.status !== 0 || !hasKafka(`${scratch}/libs`, version))
      throw new Error(`Maven could not fetch Kafka ${version}`);
    if (!hasKafka(libs, version)) {
      rmSync(libs, { recursive: true, force: true });
      renameSync(`${scratch}/libs`, libs);
    }
    return libs;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const jarOf = (version) => `kafka_${versions[version].scala}-${version}.jar`;

function hasKafka(libs, version) {
  return existsSync(libs) && readdirSync(libs).includes(jarOf(version));
}

function pom(version) {
  const { scala, extras } = versions[version];
  const dependencies = [['org.apache.kafka', `kafka_${scala}`, version], ...extras].map(
    ([group, artifact, release]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>rafka</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>`;
}

if (process.argv[1] === import.meta.filename) {
  try {
    console.log(fetchKafka(process.argv[2]));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
