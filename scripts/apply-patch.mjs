// Applies a unified diff without external tools: every hunk must match exactly at its position, or nothing is written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} diff unified diff; file names are read from the `+++ b/` lines
 * @param {string} root folder that the names are relative to
 * @throws Error naming file and line if the text to change differs from the diff
 */
export function applyPatch(diff, root) {
  const results = diff
    .split(/^(?=--- )/m)
    .filter((part) => part.startsWith('--- '))
    .map((part) => patchedFile(part.replace(/\n$/, '').split('\n'), root));
  for (const { file, text } of results) writeFileSync(file, text);
}

function patchedFile([, target, ...lines], root) {
  const name = target.replace(/^\+\+\+ b\//, '').split('\t')[0];
  const file = join(root, name);
  const before = readFileSync(file, 'utf8').split('\n');
  const after = [];
  let at = 0;
  for (const line of lines) {
    // What stands between two files' parts.
    if (line.startsWith('diff --git ')) break;
    const hunk = /^@@ -(\d+)/.exec(line);
    if (hunk) {
      while (at < Number(hunk[1]) - 1) after.push(before[at++]);
    } else if (line.startsWith('+')) {
      after.push(line.slice(1));
    } else {
      if (before[at] !== line.slice(1)) {
        throw new Error(`the patch does not fit ${name}:${at + 1}: expected ${JSON.stringify(line.slice(1))}`);
      }
      if (line.startsWith(' ')) after.push(before[at]);
      at++;
    }
  }
  return { file, text: [...after, ...before.slice(at)].join('\n') };
}
