// Suggests the intended name for a misspelt one.

/** @returns the candidate with the fewest changed letters. */
export function nearest(word: string, candidates: readonly string[]): string {
  const byDistance = candidates.map((candidate) => [distance(word, candidate), candidate] as const);
  return byDistance.sort(([a], [b]) => a - b)[0]![1];
}

/** The Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
