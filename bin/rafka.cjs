#!/usr/bin/env node
// The entry. CommonJS, because libuv reads UV_THREADPOOL_SIZE before the first import of an ES module has run.
// Every waiting consumer holds one pool thread; 512 leaves room above the default --max-consumers of 400.
process.env.UV_THREADPOOL_SIZE ||= '512';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

if (existsSync(join(__dirname, '../dist/main.js'))) {
  import('../dist/main.js');
} else {
  console.error('rafka: not built yet: run `npm start`, or `npm run build` and then bin/rafka');
  process.exit(1);
}
