// Messages for the tests of the RIS worker.
import type { RisMessage, RisUpdate } from '../../../src/ris/message.js';

/** An UPDATE of a peer at a feed time (ms), with an id as RIS Live writes it. */
export function update(peer: string, ms: number, sequence = 0): RisUpdate {
  return {
    type: 'UPDATE',
    collector: 'rrc13',
    peer,
    peerKey: `rrc13 ${peer}`,
    peerAsn: 64_512,
    id: `${peer}-${ms.toString(16).padStart(12, '0')}${sequence.toString(16).padStart(4, '0')}`,
    seconds: Math.floor(ms / 1000),
    micros: (ms % 1000) * 1000,
    sequence,
    raw: null,
    path: [64_512, 65_000],
    announcements: [{ next_hop: '192.0.2.1', prefixes: ['198.18.0.0/24'] }],
    withdrawals: undefined,
    community: undefined,
    origin: 'IGP',
    med: undefined,
    aggregator: undefined,
  };
}

/** The same message without an id. */
export const withoutId = (message: RisMessage): RisMessage => ({ ...message, id: null });
