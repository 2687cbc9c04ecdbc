// The only registration of commands: one export line for each file of this folder.
export { client } from './client.js';
export { echo } from './echo.js';
export { ping } from './ping.js';
