import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { goJson, goJsonWithLists } from '../../../src/http/go-json.js';
import { goJsonError } from '../../../src/http/go-json-errors.js';
import { openApi } from '../../../src/http/openapi.js';
import { Params } from '../../../src/http/params.js';
import { canonicalName, recordHeaders } from '../../../src/http/record-headers.js';
import { Router } from '../../../src/http/router.js';
import { routes } from '../../../src/http/routes/index.js';

describe('JSON as Go writes it', () => {
  it('escapes what HTML and JavaScript would trip over', () => {
    assert.equal(
      goJson({ a: '<b>&\u2028\b\f\n\u0001"\\bf' }),
      '{\n  "a": "\\u003cb\\u003e\\u0026\\u2028\\u0008\\u000c\\n\\u0001\\"\\\\bf"\n}',
    );
    assert.equal(goJson({}), '{}');
    assert.equal(goJson([]), '[]');
    assert.equal(goJsonWithLists(new Map()), '{}');
  });

  it('keeps lists of partitions on one line', () => {
    assert.equal(
      goJsonWithLists(
        new Map([
          [
            'g',
            new Map([
              ['c[1, 2]', [0, 1, 12]],
              ['d', [3]],
            ]),
          ],
        ]),
      ),
      '{\n  "g": {\n    "c[1, 2]": [0,1,12],\n    "d": [3]\n  }\n}',
    );
  });
});

describe("Go's complaints about JSON", () => {
  const table: [string, string | undefined][] = [
    ['[]', undefined],
    [' [{"a": [1, -2.5e+3, true, null, "x\\u00e9"]}] ', undefined],
    ['', 'unexpected end of JSON input'],
    ['[', 'unexpected end of JSON input'],
    ['garbage', "invalid character 'g' looking for beginning of value"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{a}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['[] x', "invalid character 'x' after top-level value"],
    ['tru', 'unexpected end of JSON input'],
    ['trUe', "invalid character 'U' in literal true (expecting 'u')"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"\n"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
  ];
  for (const [text, complaint] of table)
    it(JSON.stringify(text), () => {
      assert.equal(goJsonError(text), complaint);
      if (complaint === undefined) JSON.parse(text);
      else assert.throws(() => JSON.parse(text));
    });
});

describe('parameters', () => {
  it('count when present; those of a form stand first', () => {
    const params = new Params('sync&group=q', 'application/x-www-form-urlencoded', Buffer.from('group=f&msg=a+b%21'));
    assert.equal(params.has('sync'), true);
    assert.equal(params.has('nope'), false);
    assert.deepEqual(params.all('group'), ['f', 'q']);
    assert.equal(params.first('msg'), 'a b!');
    assert.throws(() => params.group(), /one consumer group is expected, but 2 provided/);
    assert.throws(() => new Params('group=').group(), /must not be empty/);
  });

  it('whole numbers as Go reads them, but for negative ones', () => {
    const whole = (text: string, bits: 32 | 64) => new Params(`n=${encodeURIComponent(text)}`).whole('n', bits);
    assert.equal(whole('+7', 32), 7);
    assert.equal(whole('2147483647', 32), 2_147_483_647);
    assert.throws(() => whole('2147483648', 32), /parsing "2147483648": value out of range/);
    assert.throws(() => whole('9223372036854775808', 64), /value out of range/);
    for (const text of ['', 'x', '1.5', ' 1', '0x1', '1_0'])
      assert.throws(() => whole(text, 64), /invalid syntax/, text);
    assert.throws(() => whole('-1', 64), /invalid ack: bad n: -1/);
  });
});

describe('paths', () => {
  const router = new Router(routes);
  const find = (path: string) => {
    const found = router.find(path);
    return found && [found.cluster, found.topic, [...found.methods.values()].map(({ name }) => name).join()];
  };

  it('are exact, for the default cluster and for a named one', () => {
    const messages = 'produce,consume';
    assert.deepEqual(find('/topics'), [undefined, '', 'listTopics']);
    assert.deepEqual(find('/topics/a'), [undefined, 'a', 'getTopic']);
    assert.deepEqual(find('/topics/a/messages'), [undefined, 'a', messages]);
    assert.deepEqual(find('/clusters/c/topics/a/messages'), ['c', 'a', messages]);
    assert.deepEqual(find('/clusters/c/topics'), ['c', '', 'listTopics']);
    assert.deepEqual(find('/topics/messages/messages'), [undefined, 'messages', messages]);
    assert.deepEqual(find('/topics/%D0%9F+%20/acks'), [undefined, 'П+ ', 'ack']);
    for (const path of [
      ...['', '/', '/topics/', '/topics//messages', '/topics/a/', '/topics/a/messages/', '/topics/a/messages/b'],
      ...['/topics/a/nope', '/nope', '/clusters', '/clusters/c', '/clusters//topics', '/clusters/c/', '/Topics'],
      ...['/topics/*/', '/topics/a%2Fb/messages', '/clusters/c/clusters/d/topics', 'topics', '/x/topics'],
    ])
      assert.equal(find(path), undefined, path);
    assert.throws(() => find('/topics/%zz/messages'), { code: 'request-invalid' });
  });
});

describe('record headers', () => {
  it('names as Go spells them, values of Base64 with padding', () => {
    assert.equal(canonicalName('x-kafka-foo-BAR'), 'X-Kafka-Foo-Bar');
    const raw = ['Host', 'x', 'X-KAFKA-a', 'AQ==', 'x-kafkaesque', 'AQ==', 'x-kafka-a', '', 'X-Kafka-B', '/+8='];
    assert.deepEqual(recordHeaders(raw), [
      { key: 'A', value: Buffer.from([1]) },
      { key: 'A', value: Buffer.alloc(0) },
      { key: 'B', value: Buffer.from([0xff, 0xef]) },
    ]);
    for (const value of ['AQ', 'AQ=', 'A Q=', 'A_-=', '===='])
      assert.throws(() => recordHeaders(['x-kafka-a-b', value]), /Invalid base64 encoding for header: X-Kafka-A-B$/);
  });
});

describe('OpenAPI', () => {
  it('has every route twice, with every parameter of its path', () => {
    const { paths } = openApi(routes, '1') as {
      paths: Record<string, Record<string, { parameters: { name: string }[] }>>;
    };
    for (const route of routes)
      for (const path of [route.path, `/clusters/{cluster}${route.path}`]) {
        const operation = paths[path]?.[route.method.toLowerCase()];
        assert.ok(operation, `${route.method} ${path}`);
        for (const [, name] of path.matchAll(/\{(\w+)\}/g))
          assert.ok(operation.parameters.some((parameter) => parameter.name === name));
      }
  });
});
