// A real Apache Kafka for the tests, from Maven Central into the cache: `node scripts/fetch-kafka.mjs` prints where its jars are.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const KAFKA_VERSION = '4.3.1';
const LOG4J_VERSION = '2.25.4';
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Where the jars are or belong: RAFKA_KAFKA_LIBS, else below the cache. */
export function kafkaLibs() {
  const cache = process.env.RAFKA_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rafka');
  return process.env.RAFKA_KAFKA_LIBS ?? join(cache, `kafka-${KAFKA_VERSION}`, 'libs');
}

/** @returns the folder of jars, fetched with Maven if it was not there. @throws Error saying what is missing */
export function fetchKafka() {
  const libs = kafkaLibs();
  if (hasKafka(libs)) return libs;
  const scratch = `${libs}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    writeFileSync(join(scratch, 'pom.xml'), pom());
    const args = ['-B', '-ntp', '-q', '-f', join(scratch, 'pom.xml'), PLUGIN];
    const mvn = spawnSync('mvn', [...args, `-DoutputDirectory=${scratch}/libs`, '-DincludeScope=runtime'], {
      stdio: ['ignore', 2, 2],
    });
    if (mvn.error) throw new Error('fetching Kafka needs Maven and Java 17: sudo apt-get install -y maven');
    if (mvn.status !== 0 || !hasKafka(`${scratch}/libs`))
      throw new Error(`Maven could not fetch Kafka ${KAFKA_VERSION}`);
    if (!hasKafka(libs)) {
      rmSync(libs, { recursive: true, force: true });
      renameSync(`${scratch}/libs`, libs);
    }
    return libs;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function hasKafka(libs) {
  return existsSync(libs) && readdirSync(libs).includes(`kafka_2.13-${KAFKA_VERSION}.jar`);
}

function pom() {
  const dependency = (group, artifact, version) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  // Without a logging backend the broker logs nothing, not even that it has started.
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>rafka</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}</dependencies></project>`;
}

if (process.argv[1] === import.meta.filename) {
  try {
    console.log(fetchKafka());
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
