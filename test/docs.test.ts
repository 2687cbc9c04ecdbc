// What the documentation says of commands, flags, keys and errors is what the code says.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tables, withTable } from './support/docs.js';

const root = new URL('../../', import.meta.url);
/** It names files as they were called when a version was released. */
const historical = new Set(['CHANGELOG.md']);

for (const { file, name, make } of tables) {
  test(`the ${name} table of ${file.pathname.split('/').at(-1)} is the code's (npm run docs)`, () => {
    const text = readFileSync(file, 'utf8');
    // Not assert.equal: the difference of two such texts is pages long.
    assert.ok(text === withTable(text, name, make()), 'out of date: run npm run docs');
  });
}

test('the charts are those of the results (npm run docs)', async () => {
  const { charts } = await import(new URL('scripts/charts.mjs', root).href);
  for (const { file, svg } of charts() as { file: URL; svg: string }[])
    assert.ok(readFileSync(file, 'utf8') === svg, `${file.pathname} is out of date`);
});

const documents = [
  ...['.', 'docs', 'docs/decisions', 'docs/guides', 'patches', 'test/compat'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root))
      .filter((file) => file.endsWith('.md'))
      .map((file) => (folder === '.' ? file : `${folder}/${file}`)),
  ),
];

for (const name of documents) {
  const file = new URL(name, root);
  const text = readFileSync(file, 'utf8');

  test(`links of ${name} lead to files and headings`, () => {
    for (const [, target = '', anchor] of text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)) {
      const linked = target === '' ? file : new URL(target, file);
      assert.ok(existsSync(linked), `${name} links to ${target}`);
      if (anchor !== undefined && !linked.pathname.endsWith('/'))
        assert.ok(anchors(linked).includes(anchor), `${name} links to ${target}#${anchor}`);
    }
  });

  if (!historical.has(name))
    test(`paths that ${name} names exist`, () => {
      const paths = [...text.matchAll(/`((?:src|test|scripts|docs|patches|native|bin)\/[\w./-]*\w\/?)`/g)];
      for (const [, path = ''] of paths) assert.ok(existsSync(new URL(path, root)), `${name} names ${path}`);
    });
}

test('every decision has its parts and stands in the list', () => {
  const list = readFileSync(new URL('docs/decisions/README.md', root), 'utf8');
  for (const name of documents.filter((each) => /\/\d{4}-/.test(each))) {
    const text = readFileSync(new URL(name, root), 'utf8');
    const title = /^# (\d{4})\. (.+)$/m.exec(text);
    assert.ok(name.includes(`/${title?.[1]}-`), `${name} has its number in its title`);
    for (const part of ['Status: ', '## Context', '## Decision', '## Consequences', '## Alternatives rejected'])
      assert.ok(text.includes(`\n${part}`), `${name} has ${part}`);
    assert.ok(list.includes(`(${name.split('/').at(-1)}) ${title?.[2]}\n`), `the list of decisions has ${name}`);
  }
});

test('decisions that the code names exist', () => {
  const numbers = new Set(documents.flatMap((name) => /\/(\d{4})-/.exec(name)?.[1] ?? []));
  for (const folder of ['src', 'native', 'bin'])
    for (const file of readdirSync(new URL(`${folder}/`, root), { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const text = readFileSync(`${file.parentPath}/${file.name}`, 'utf8');
      for (const [mention, number = ''] of text.matchAll(/docs\/decisions\/(\d+)/g))
        assert.ok(numbers.has(number), `${file.name} names ${mention}`);
    }
});

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(file: URL): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
