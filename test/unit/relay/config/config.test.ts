// The relay's configuration: kaf-relay's files as they are, what is missing named, flags over files.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'smol-toml';
import { pinoLevel, resolveRelayConfig } from '../../../../src/relay/config/config.js';
import { loadRelayConfig, merge } from '../../../../src/relay/config/config-files.js';
import { parseListenAddress } from '../../../../src/relay/config/listen-address.js';
import { connectionProperties, targetProperties, transactionalId } from '../../../../src/relay/config/properties.js';
import { checkTlsFiles } from '../../../../src/relay/config/tls-files.js';
import { buildTopicMap, parseTarget, parseTopicFlag } from '../../../../src/relay/config/topic-map.js';
import { fakeLab } from '../../../support/relay-fake-lab.js';
import { relayConfig } from '../../../support/relay-lab.js';

const sample = join(import.meta.dirname, '../../../../../test/support/kaf-relay.toml');

async function load(files: readonly string[], flags = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'rafka-relay-'));
  try {
    const paths = await Promise.all(
      files.map(async (text, index) => {
        await writeFile(join(dir, `${index}.toml`), text);
        return join(dir, `${index}.toml`);
      }),
    );
    return await loadRelayConfig([sample, ...paths], flags);
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe('relay configuration', () => {
  test("kaf-relay's sample as it is", async () => {
    const { config, unknownKeys } = await load([]);
    assert.deepEqual(unknownKeys, []);
    assert.equal(config.mode, 'single');
    assert.deepEqual(config.topics, [
      { source: 'topicA', target: 'machineX_topicA' },
      { source: 'topicB', target: 'machineX_topicB', pin: 0 },
    ]);
    assert.equal(config.pool.healthcheck_interval, 3_000);
    assert.equal(config.pool.request_timeout, 100);
    assert.equal(config.target.flush_frequency, 20);
    assert.equal(config.target.exactlyOnce, true);
    assert.equal(config.target.preserve_timestamp, true);
    assert.deepEqual(config.filters, []);
  });

  test('14.1 item 15: flags beat files', async () => {
    const { config } = await load(['mode = "single"\nstop-at-end = false\ntopic = "topicA:fromFile"'], {
      mode: 'failover',
      stopAtEnd: true,
      topic: ['topicA:fromFlag:3', 'new:other'],
    });
    assert.equal(config.mode, 'failover');
    assert.equal(config.stopAtEnd, true);
    assert.deepEqual(config.topics[0], { source: 'topicA', target: 'fromFlag', pin: 3 });
    assert.deepEqual(config.topics.at(-1), { source: 'new', target: 'other' });
    assert.equal(config.topics.length, 3);
  });

  test('a key of a file counts where no flag is given', async () => {
    const { config } = await load(['mode = "failover"\nstop-at-end = true']);
    assert.equal(config.mode, 'failover');
    assert.equal(config.stopAtEnd, true);
  });

  test('later files win key by key, arrays whole', async () => {
    const { config } = await load(['[target]\nmax_retries = 7\n[[sources]]\nservers = ["x:1"]\n']);
    assert.equal(config.target.max_retries, 7);
    assert.equal(config.target.flush_batch_size, 1_000);
    assert.equal(config.sources.length, 1);
  });

  const must = [
    'app.log_level',
    'app.metrics_server_addr',
    'source_pool.healthcheck_interval',
    'source_pool.offset_lag_threshold',
    'source_pool.max_retries',
    'source_pool.request_timeout',
    'source_pool.backoff_min',
    'source_pool.backoff_max',
    'sources',
    'target.servers',
    'target.session_timeout',
    'target.max_retries',
    'target.flush_frequency',
    'target.flush_batch_size',
    'target.max_message_bytes',
    'target.backoff_min',
    'target.backoff_max',
    'target.request_timeout',
  ];
  for (const key of must) {
    test(`an unset ${key} is named`, async () => {
      const [section, name] = key.split('.') as [string, string | undefined];
      const raw = parse(await readFile(sample, 'utf8'));
      for (const empty of [undefined, '', 0]) {
        const over = name ? { [section]: { [name]: empty } } : { [section]: empty };
        assert.throws(
          () => resolveRelayConfig(merge(raw, over), {}),
          new RegExp(`relay configuration: ${key.replace('.', '\\.')} must be set`),
        );
      }
    });
  }

  test('what cannot be is refused with a reason', async () => {
    const cases: [string, RegExp][] = [
      ['mode = "failovr"', /--mode failovr: use single or failover/],
      [
        '[target]\nexactly_once = true\ncommit_ack_type = "leader"\nenable_idempotency = false',
        /exactly_once needs commit_ack_type/,
      ],
      ['[target]\ncommit_ack_type = "tcp"', /enable_idempotency needs commit_ack_type/],
      ['[target]\nflush_frequency = "soon"', /target\.flush_frequency: 'soon' is not a duration/],
      ['[source_pool]\nrequest_timeout = "5ms"', /source_pool\.request_timeout: '5ms'/],
      ['[app]\nlog_level = "loud"', /app\.log_level: use DEBUG/],
      ['[[sources]]\nservers = []', /sources\[0\]\.servers/],
      ['[topics]\na = "b:x"', /'x' is not a partition number/],
      ['[target', /1\.toml|0\.toml, line/],
    ];
    for (const [text, error] of cases) await assert.rejects(load([text]), error, text);
    await assert.rejects(load([], { topic: ['a:b:-1'] }), /not a partition number/);
    await assert.rejects(load([], { restartTopic: ['zzz'] }), /no such source topic/);
    await assert.rejects(load([], { startAt: ['zzz:0:1'] }), /--start-at zzz:0:1: no such source topic/);
    await assert.rejects(load([], { startAt: ['zzz:1'] }), /write topic:partition:offset/);
    await assert.rejects(loadRelayConfig(['/nowhere/x.toml'], {}), /cannot read \/nowhere\/x\.toml: ENOENT/);
  });

  test('exactly_once follows acks and idempotence unless it is set', async () => {
    assert.equal((await relayConfig()).target.exactlyOnce, true);
    assert.equal((await relayConfig({ target: { exactly_once: false } })).target.exactlyOnce, false);
    assert.equal((await relayConfig({ target: { enable_idempotency: false } })).target.exactlyOnce, false);
    assert.equal(
      (await relayConfig({ target: { enable_idempotency: false, commit_ack_type: 'tcp' } })).target.exactlyOnce,
      false,
    );
  });

  test('unknown keys are found', async () => {
    const { unknownKeys } = await load([
      '[target]\nflushfrequency = "1s"\n[extra]\na = 1\n[[sources]]\nservers = ["x:1"]\ngroup_id = "g"',
    ]);
    assert.deepEqual([...unknownKeys].sort(), ['extra', 'sources[0].group_id', 'target.flushfrequency']);
  });

  test('both spellings of the topic map, several blocks, names with dots', () => {
    assert.deepEqual(buildTopicMap({ a: 'b' }, []), [{ source: 'a', target: 'b' }]);
    assert.deepEqual(buildTopicMap([{ a: 'b', 'x.y': 'z' }, { c: 'd:2' }, { a: 'e' }], []), [
      { source: 'a', target: 'e' },
      { source: 'x.y', target: 'z' },
      { source: 'c', target: 'd', pin: 2 },
    ]);
    assert.deepEqual(buildTopicMap({ x: { y: 'z' } }, []), [{ source: 'x.y', target: 'z' }]);
    assert.throws(() => buildTopicMap({ 'no spaces': 'z' }, []), /is not a topic name/);
    assert.throws(() => parseTopicFlag('a:b:1:2'), /write source:target/);
    assert.throws(() => parseTarget('a', 'b:'), /not a partition number/);
  });

  test('log levels with offsets', () => {
    assert.deepEqual(['DEBUG', 'info', 'Warn', 'ERROR', 'INFO+2', 'DEBUG+4', 'error+1', 'LOUD'].map(pinoLevel), [
      'debug',
      'info',
      'warn',
      'error',
      'warn',
      'info',
      'error',
      undefined,
    ]);
  });

  test('listen addresses', () => {
    assert.deepEqual(parseListenAddress(':7081'), { host: undefined, port: 7081 });
    assert.deepEqual(parseListenAddress('[::1]:7081'), { host: '::1', port: 7081 });
    assert.deepEqual(parseListenAddress('127.0.0.1:0'), { host: '127.0.0.1', port: 0 });
    assert.throws(() => parseListenAddress('7081'), /metrics_server_addr/);
  });

  test('connections: mechanisms, TLS with a CA alone, a certificate without its key', async () => {
    const server = (await relayConfig()).sources[0]!;
    const auth = { ...server, enable_auth: true, username: 'u', password: 'p' };
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
      assert.equal(connectionProperties({ ...auth, sasl_mechanism: mechanism }, 'x')['sasl.mechanisms'], mechanism);
    }
    assert.throws(
      () => connectionProperties({ ...auth, sasl_mechanism: 'GSSAPI' }, 'sources[0]'),
      /sources\[0\]\.sasl_mechanism 'GSSAPI'/,
    );
    const tls = connectionProperties({ ...server, enable_tls: true, ca_cert_path: '/ca.pem' }, 'x');
    assert.equal(tls['security.protocol'], 'ssl');
    assert.equal(tls['ssl.ca.location'], '/ca.pem');
    assert.throws(
      () => connectionProperties({ ...server, enable_tls: true, client_cert_path: '/c.pem' }, 'target'),
      /set together/,
    );
  });

  test('a CA, certificate or key that cannot be used is refused, naming the key and the file', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'rafka-relay-tls-'));
    t.after(() => rm(dir, { recursive: true }));
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    for (const name of ['a', 'b'])
      execFileSync('openssl', [...request, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`], {
        cwd: dir,
        stdio: 'ignore',
      });
    const [pem, key, none] = [join(dir, 'a.pem'), join(dir, 'a.key'), join(dir, 'none.pem')];
    const server = { ca_cert_path: '', client_cert_path: '', client_key_path: '', enable_tls: true };
    const check = (files: Partial<typeof server>) => checkTlsFiles({ ...server, ...files }, 'sources[0]');
    for (const ca of ['', 'probe', dir, pem]) check({ ca_cert_path: ca });
    check({ client_cert_path: pem, client_key_path: key });
    check({ enable_tls: false, ca_cert_path: none });
    for (const [files, text] of [
      [{ ca_cert_path: none }, /sources\[0\]\.ca_cert_path: cannot read .*none\.pem: ENOENT/],
      [{ ca_cert_path: join(pem, 'x') }, /ca_cert_path: cannot read .*: ENOTDIR/],
      [{ ca_cert_path: key }, /ca_cert_path: .*a\.key is not a certificate/],
      [{ client_cert_path: dir, client_key_path: key }, /client_cert_path: cannot read .*: EISDIR/],
      [{ client_cert_path: pem, client_key_path: pem }, /client_key_path: .* is not a private key/],
      [{ client_cert_path: pem, client_key_path: join(dir, 'b.key') }, /client_key_path is not the key of client_cert/],
    ] as const)
      assert.throws(() => check(files), text);
    const target = { enable_tls: true, ca_cert_path: none };
    await assert.rejects(fakeLab().once({ target }), /target\.ca_cert_path: cannot read/);
  });

  test('writers: acks, idempotence and the transactional id of a mapping', async () => {
    const mapping = { source: 'a', target: 'b' };
    const exact = targetProperties((await relayConfig()).target, mapping);
    assert.equal(exact['transactional.id'], transactionalId(mapping));
    assert.notEqual(transactionalId(mapping), transactionalId({ source: 'ab', target: '' }));
    assert.equal(exact['request.required.acks'], -1);
    const leader = targetProperties(
      (await relayConfig({ target: { commit_ack_type: 'leader', enable_idempotency: false } })).target,
      mapping,
    );
    const quick = (await relayConfig({ target: { transaction_timeout: '5s' } })).target;
    assert.equal(targetProperties(quick, mapping)['transaction.timeout.ms'], 5_000);
    const small = targetProperties(quick, mapping, { bytes: 10_000, alone: true });
    assert.deepEqual([small['batch.size'], small['batch.num.messages']], [10_000, 1]);
    assert.equal(leader['request.required.acks'], 1);
    assert.equal(leader['transactional.id'], undefined);
    assert.equal(leader['max.in.flight.requests.per.connection'], 1);
  });
});
