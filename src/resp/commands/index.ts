// The only registration of commands: one export line for each file of this folder.
export { blpop } from './blpop.js';
export { client } from './client.js';
export { dbsize } from './dbsize.js';
export { del } from './del.js';
export { dump } from './dump.js';
export { echo } from './echo.js';
export { exists } from './exists.js';
export { hgetall } from './hgetall.js';
export { keys } from './keys.js';
export { llen } from './llen.js';
export { ping } from './ping.js';
export { publish } from './publish.js';
export { rpush } from './rpush.js';
export { rpushx } from './rpushx.js';
export { scan } from './scan.js';
export { type } from './type.js';
