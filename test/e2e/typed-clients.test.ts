// go-redis and Jedis with their defaults: TxPipelined and multi() are transactions, and strings and pairs of BLPOP fit their types.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildGoRedis, buildJedis, type Program, stepsOf } from '../support/compat-programs.js';
import { GatewayProcess } from '../support/gateway.js';
import { met, whyNoCommand } from '../support/needs.js';

const steps = ['connect', 'rpushx', 'wait', 'pipeline', 'multi', 'strings', 'pair', 'exactly-once', 'stream', 'pubsub'];

describe('stock clients in other languages', { timeout: 600_000 }, () => {
  let byRequest: GatewayProcess;
  /** All of its numbers are strings, whatever BLPOP asks for. */
  let strings: GatewayProcess;
  before(async () => {
    byRequest = await GatewayProcess.start();
    strings = await GatewayProcess.start({ env: { RAFKA_RESP_BLPOP_NUMBERS: 'strings' } });
  });
  after(() => Promise.all([byRequest.stop(), strings.stop()]));

  const check = async (program: Program, name: string, typed: boolean): Promise<void> => {
    const one = await stepsOf(program, byRequest.port, name);
    for (const step of steps) assert.equal(one.get(step), 'ok', step);
    assert.equal(one.get('blpop') === 'ok', typed, 'integers within an array');
    const all = await stepsOf(program, strings.port, name);
    for (const step of [...steps, 'blpop']) assert.equal(all.get(step), 'ok', `${step}, resp.blpopNumbers: strings`);
  };

  test('go-redis', async (t) => {
    const why = whyNoCommand('go');
    // Distributions have versions of Go that are too old for it, so .ci/run installs none.
    if (why !== undefined) t.skip(why);
    else await check(await buildGoRedis(), 'goredis', true);
  });

  test('Jedis', async (t) => {
    if (met(t, whyNoCommand('mvn') ?? whyNoCommand('javac'))) await check(await buildJedis(), 'jedis', false);
  });
});
