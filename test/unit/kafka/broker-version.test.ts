// What brokers of some releases answered to ApiVersions, and which release they are taken for.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knowsNewGroupProtocol, releaseOf } from '../../../src/kafka/broker-version.js';

/** The highest version of each request, by its number; -1: unknown to the broker. */
const answers: readonly (readonly [broker: string, release: string, highest: string])[] = [
  ['1.1.1', '1.1', '5 7 2 5 1 0 4 1 3 3 1 2 1 1 1 1 1 1 1 2 1 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0 0'],
  ['2.3.1', '2.3', '7 11 5 8 2 1 5 2 7 5 2 5 3 2 3 3 2 1 2 3 3 1 1 3 1 1 1 0 2 1 1 1 2 1 1 1 1 1 1 1 1 1 1 0 0'],
  [
    '2.8.2',
    '2.8',
    '9 12 6 11 5 3 7 3 8 7 3 7 4 4 5 5 4 1 3 7 6 2 4 4 3 3 3 1 3 2 2 2 4 2 2 2 2 3 2 2 2 2 2 2 1 0 0 0 1 1 0 0 -1 -1 -1 -1 0 0 -1 -1 0 0',
  ],
  [
    '3.3.2',
    '3.3 to 3.4',
    '9 13 7 12 -1 -1 -1 -1 8 8 4 9 4 5 5 5 4 1 3 7 6 2 4 4 3 3 3 1 3 3 3 3 4 2 2 4 2 3 -1 -1 -1 -1 2 2 1 0 0 0 1 1 -1 -1 -1 -1 -1 1 -1 1 -1 -1 0 0 -1 -1 0 0 0',
  ],
  [
    '3.6.2',
    '3.6',
    '9 15 8 12 -1 -1 -1 -1 8 8 4 9 4 5 5 5 4 1 3 7 6 2 4 4 4 3 3 1 3 3 3 3 4 2 2 4 2 3 3 2 2 3 2 2 1 0 0 0 1 1 0 0 -1 -1 -1 1 -1 1 -1 -1 0 0 -1 -1 0 0 0',
  ],
  [
    '3.9.2',
    '3.9',
    '11 17 9 12 -1 -1 -1 -1 9 9 6 9 4 5 5 5 5 1 4 7 6 2 5 4 5 4 4 1 4 3 3 3 4 2 2 4 2 3 3 2 2 3 2 2 1 0 0 0 1 1 0 0 -1 -1 -1 2 -1 1 -1 -1 1 0 -1 -1 0 0 1 -1 0 0 -1 -1 -1 -1 0 0 -1 -1 -1 -1 0 0',
  ],
  [
    '4.3.1',
    '4.3 or newer',
    '13 18 11 13 -1 -1 -1 -1 10 10 6 9 4 5 5 6 5 1 4 7 6 2 5 4 5 4 5 2 5 3 3 3 4 2 2 5 2 3 3 2 2 3 2 2 1 1 0 0 1 1 0 0 -1 -1 -1 2 -1 2 -1 -1 2 0 -1 -1 0 0 2 -1 1 1 -1 -1 -1 -1 1 0 1 1 2 2 1 0 -1 0 0 1 0 1 0 0 1 0 0',
  ],
];
const versionsOf = (highest: string): number[] => highest.split(' ').map(Number);

describe('the release of a broker', () => {
  for (const [broker, release, highest] of answers)
    it(`Kafka ${broker} is taken for ${release}`, () => assert.equal(releaseOf(versionsOf(highest)), release));

  it('a broker that lacks something does not count as newer than that, and one that knows nothing as the oldest', () => {
    const versions = versionsOf(answers.at(-1)![2]);
    versions[47] = -1;
    assert.equal(releaseOf(versions), '2.3');
    assert.equal(releaseOf([]), 'before 0.10');
  });

  it('the new group protocol is there from 4.0 on', () => {
    const knowing = answers.filter(([, , highest]) => knowsNewGroupProtocol(versionsOf(highest)));
    assert.deepEqual(
      knowing.map(([broker]) => broker),
      ['4.3.1'],
    );
  });
});
