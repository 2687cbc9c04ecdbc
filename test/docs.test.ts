// What the documentation says of commands, flags, keys and errors is what the code says.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tables, withTable } from './support/docs.js';

const root = new URL('../../', import.meta.url);

for (const { file, name, make } of tables) {
  test(`the ${name} table of ${file.pathname.split('/').at(-1)} is the code's (npm run docs)`, () => {
    const text = readFileSync(file, 'utf8');
    // Not assert.equal: the difference of two such texts is pages long.
    assert.ok(text === withTable(text, name, make()), 'out of date: run npm run docs');
  });
}

for (const name of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']) {
  test(`what ${name} points to exists`, () => {
    const text = readFileSync(new URL(name, root), 'utf8');
    const paths = [...text.matchAll(/`((?:src|test|scripts|docs|patches|bin)\/[\w./-]*\w\/?)`/g)].map(
      ([, path]) => path!,
    );
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path]) => path!);
    for (const path of [...paths, ...links]) assert.ok(existsSync(new URL(path, root)), `${name} names ${path}`);
  });
}
