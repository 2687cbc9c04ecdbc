// Writes the tables of the documentation from the code, and the tables and charts of measured results: npm run docs.
import { readFileSync, writeFileSync } from 'node:fs';
import { charts } from './charts.mjs';
import { compileTests } from './compile.mjs';

compileTests();
const { tables, withTable } = await import('../build/test/support/docs.js');
for (const { file, name, make } of tables) writeFileSync(file, withTable(readFileSync(file, 'utf8'), name, make()));
for (const { file, svg } of charts()) writeFileSync(file, svg);
