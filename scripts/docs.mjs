// Writes the tables of the documentation from the code: npm run docs.
import { readFileSync, writeFileSync } from 'node:fs';
import { compileTests } from './compile.mjs';

compileTests();
const { tables, withTable } = await import('../build/test/support/docs.js');
for (const { file, name, make } of tables) writeFileSync(file, withTable(readFileSync(file, 'utf8'), name, make()));
