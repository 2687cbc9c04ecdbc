// Held lines for the tests of the RIS worker.
import type { LineEnvelope } from '../../../../src/ris/feed/envelope.js';

/** A line of 100 characters of a peer at a feed time (ms), with an id as RIS Live writes it. */
export function heldLine(peer: string, ms: number, sequence = 0): LineEnvelope {
  return {
    kind: 'line',
    line: ' '.repeat(100),
    peerKey: `rrc13 ${peer}`,
    id: `${peer}-${ms.toString(16).padStart(12, '0')}${sequence.toString(16).padStart(4, '0')}`,
    seconds: Math.floor(ms / 1000),
    micros: (ms % 1000) * 1000,
    sequence,
  };
}

/** The same without an id. */
export const withoutId = (line: LineEnvelope): LineEnvelope => ({ ...line, id: null });
