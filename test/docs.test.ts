// What the documentation says of commands, flags, keys and errors is what the code says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tables, withTable } from './support/docs.js';

for (const { file, name, make } of tables) {
  test(`the ${name} table of ${file.pathname.split('/').at(-1)} is the code's (npm run docs)`, () => {
    const text = readFileSync(file, 'utf8');
    // Not assert.equal: the difference of two such texts is pages long.
    assert.ok(text === withTable(text, name, make()), 'out of date: run npm run docs');
  });
}
