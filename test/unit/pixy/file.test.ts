import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generateClientId } from '../../../src/pixy/client-id.js';
import { loadPixy, withTwoDashes } from '../../../src/pixy/command.js';
import { loadPixyFile } from '../../../src/pixy/file.js';
import { keys } from '../../../src/pixy/keys.js';
import { setupProxy } from '../../../src/pixy/proxy-settings.js';

describe("Kafka-Pixy's YAML", () => {
  it('without a file: the defaults, and one cluster named default', () => {
    const file = loadPixyFile(undefined);
    assert.deepEqual([file.grpcAddr, file.tcpAddr, file.unixAddr], ['0.0.0.0:19091', '0.0.0.0:19092', '']);
    assert.deepEqual(
      file.proxies.map(({ name }) => name),
      ['default'],
    );
    for (const [key, { fallback }] of Object.entries(keys))
      assert.deepEqual(file.proxies[0]!.values[key as keyof typeof keys], fallback);
    assert.deepEqual(file.warnings, []);
  });

  it('keys that are not mentioned keep their defaults', () => {
    const file = loadPixyFile(`
grpc_addr: 0.0.0.0:19091
tcp_addr: ""
unix_addr: /var/run/kafka-pixy.sock
proxies:
  bar:
    client_id: bar_id
    kafka: {seed_peers: [h1:9092, h2:9092]}
    consumer: {long_polling_timeout: 5m, max_retries: 3}
  foo:
    producer: {flush_frequency: 1m30.5s, compression: none}
`);
    const [bar, foo] = file.proxies.map(({ values }) => values);
    assert.equal(file.defaultCluster, 'bar');
    assert.equal(file.tcpAddr, '');
    assert.deepEqual(bar!['kafka.seed_peers'], ['h1:9092', 'h2:9092']);
    assert.equal(bar!['consumer.long_polling_timeout'], 300_000);
    assert.equal(bar!['consumer.max_retries'], 3);
    assert.equal(bar!['consumer.ack_timeout'], 300_000);
    assert.equal(foo!['producer.flush_frequency'], 90_500);
    assert.equal(foo!['producer.compression'], 'none');
    assert.equal(foo!['consumer.max_retries'], -1);
  });

  it('the first proxy in the file is the default one, whatever its name, unless default_cluster says otherwise', () => {
    assert.equal(loadPixyFile('proxies: {"2": {}, "1": {}}').defaultCluster, '2');
    assert.equal(loadPixyFile('default_cluster: b\nproxies: {a: {}, b: {}}').defaultCluster, 'b');
    assert.throws(() => loadPixyFile('default_cluster: c\nproxies: {a: {}}'), /default_cluster c is not among/);
  });

  const refused: [yaml: string, error: RegExp][] = [
    ['', /^invalid config parameter: at least on proxy must be configured$/],
    ['proxies: {}', /^invalid config parameter: at least on proxy must be configured$/],
    ['proxies: {a: [', /^failed to parse config: /],
    ['- 1', /^failed to parse config: the file must be a map$/],
    ['proxies: {a: {kafka: {version: 7.0.0}}}', /^failed to parse config: bad kafka version, 7.0.0$/],
    ['proxies: {a: {producer: {compression: zip}}}', /^failed to parse config: bad producer compression, zip$/],
    ['proxies: {a: {consumer: {ack_timeout: 5x}}}', /unknown unit "x" in duration "5x"$/],
    [
      'proxies: {a: {consumer: {ack_timeout: 0s}}}',
      /^invalid config parameter: invalid config, cluster=a: consumer.ack_timeout must be > 0$/,
    ],
    [
      'proxies: {a: {consumer: {fetch_max_bytes: 0}}}',
      /^invalid config parameter: invalid config, cluster=a: consumer.fetch_bytes must be > 0$/,
    ],
    ['proxies: {a: {consumer: {max_retries: -2}}}', /cluster=a: consumer.max_retries must be >= -1$/],
    ['proxies: {a: {producer: {timeout: -1s}}}', /cluster=a: producer.timeout must be >= 0$/],
    ['proxies: {a: {consumer: {disabled: 1}}}', /consumer.disabled: 1 is not a flag$/],
  ];
  for (const [yaml, error] of refused) {
    it(`refuses ${JSON.stringify(yaml)}`, () => assert.throws(() => loadPixyFile(yaml), { message: error }));
  }

  it('a duration without a unit is nanoseconds, as in Go', () => {
    const [proxy] = loadPixyFile('proxies: {a: {consumer: {ack_timeout: 5000000}}}').proxies;
    assert.equal(proxy!.values['consumer.ack_timeout'], 5);
  });

  it('unknown keys and keys without effect are warned of, not refused', () => {
    const yaml =
      'foo: 1\nlogging: []\nproxies: {a: {bar: 1, zoo_keeper: {seed_peers: [z], nope: 1}, kafka: {tsl: true}}}';
    assert.deepEqual(loadPixyFile(yaml).warnings, [
      'foo is not a known key',
      'logging is ignored: the log is JSON on stderr',
      'proxies.a.bar is not a known key',
      'proxies.a.zoo_keeper.seed_peers has no effect',
      'proxies.a.zoo_keeper.nope is not a known key',
      'proxies.a.kafka.tsl is not a known key',
    ]);
  });

  it('flags win over the file, for the default cluster', () => {
    const flags = { kafkaPeers: 'h:1,h:2', grpcAddr: '', tls: true };
    const file = loadPixy('grpc_addr: a:1\nproxies: {a: {kafka: {seed_peers: [x:1]}}, b: {}}', flags);
    assert.equal(file.grpcAddr, '');
    assert.deepEqual(file.proxies[0]!.values['kafka.seed_peers'], ['h:1', 'h:2']);
    assert.equal(file.proxies[0]!.values['kafka.tls'], true);
    assert.deepEqual(file.proxies[1]!.values['kafka.seed_peers'], ['localhost:9092']);
    assert.deepEqual(withTwoDashes(['-config', 'x', '--tcpAddr', '-c', '-tls=true', '--insecureTLS=false']), [
      '--config',
      'x',
      '--tcpAddr',
      '-c',
      '--tls',
    ]);
  });

  it('who may use it: the flag wins over the variable, and that over the file; without any of it other machines are refused', () => {
    const none = { usersFile: undefined, requirepass: undefined, requirepassFile: undefined };
    const open = { ...none, protectedMode: true, allowedHosts: [] };
    assert.deepEqual(loadPixy('proxies: {a: {}}', {}).access, open);
    const yaml =
      'users_file: u.json\nrequirepass: f\nprotected_mode: false\nallowed_hosts: [a.b, "*.c.d"]\nproxies: {a: {}}';
    const access = { protectedMode: false, allowedHosts: ['a.b', '*.c.d'] };
    const given = { ...none, usersFile: 'u.json', requirepass: 'f', ...access };
    assert.deepEqual(loadPixy(yaml, { protectedMode: true }).access, given);
    assert.deepEqual(loadPixyFile(yaml).warnings, []);
    assert.equal(loadPixy(yaml, {}, { password: 'env' }).access.requirepass, 'env');
    assert.equal(loadPixy(yaml, { requirepass: 'flag' }, { password: 'env' }).access.requirepass, 'flag');
    assert.equal(loadPixy('proxies: {a: {}}', { protectedMode: false }).access.protectedMode, false);
    for (const bad of ['protected_mode: no thanks', 'requirepass: 1234', 'users_file: ""', 'allowed_hosts: a.b'])
      assert.throws(
        () => loadPixyFile(`${bad}\nproxies: {a: {}}`),
        /failed to parse config: \w+: (.* is not a (flag|list)|must be a text)/,
      );
  });

  it('client ids by surroundings', () => {
    const around = { env: {}, hostname: 'h', pid: 7, cgroup: '', random: 'cafe0001' };
    const docker = '1:name=systemd:/docker/0123456789abcdef';
    const nomad = { NOMAD_ALLOC_ID: 'b313e983-4e0c', NOMAD_ALLOC_INDEX: '0' };
    assert.equal(generateClientId(around), 'kp_h_7');
    assert.equal(generateClientId({ ...around, cgroup: docker }), 'kp_h_0123456789ab');
    assert.equal(generateClientId({ ...around, hostname: '' }), 'kp_cafe0001');
    assert.equal(generateClientId({ ...around, env: nomad }), 'kp_nomad_b313e983_0');
    assert.equal(generateClientId({ ...around, env: { NOMAD_ALLOC_ID: 'b313e983-4e0c' } }), 'kp_nomad_b313e983');
  });

  it('settings become librdkafka properties', () => {
    const yaml = `proxies: {a: {
      net: {sasl: {enable: true, user: u, password: p, mechanism: SCRAM-SHA-512}},
      kafka: {tls: true, ca_certificate_file: ca.pem, insecure: true, version: 0.10.2.1},
      producer: {required_acks: wait_for_local, partitioner: random, compression: lz4, flush_frequency: 0s}}}`;
    const { general, produce, settings } = setupProxy(loadPixyFile(yaml).proxies[0]!, 'made');
    assert.equal(general['security.protocol'], 'sasl_ssl');
    assert.equal(general['sasl.mechanisms'], 'SCRAM-SHA-512');
    assert.equal(general['ssl.ca.location'], 'ca.pem');
    assert.equal(general['enable.ssl.certificate.verification'], false);
    assert.equal(general['client.id'], 'made');
    assert.equal(produce.headers, false);
    assert.equal(produce.properties['request.required.acks'], 1);
    assert.equal(produce.properties.partitioner, 'random');
    assert.equal(produce.properties['linger.ms'], 0);
    assert.equal(settings.properties['fetch.wait.max.ms'], 250);
    const plain = setupProxy(loadPixyFile('proxies: {a: {kafka: {version: 0.11.0.0}}}').proxies[0]!, 'made');
    assert.equal(plain.produce.headers, true);
    assert.equal(plain.produce.properties.partitioner, 'fnv1a_random');
    assert.equal(setupProxy(loadPixyFile(undefined).proxies[0]!, 'made').produce.headers, true);
  });
});
