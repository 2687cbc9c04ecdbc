// The only registry of commands: one export line for each file of this folder.
export { acl } from './acl.js';
export { auth } from './auth.js';
export { blmove } from './blmove.js';
export { blmpop } from './blmpop.js';
export { blpop } from './blpop.js';
export { brpop } from './brpop.js';
export { brpoplpush } from './brpoplpush.js';
export { client } from './client.js';
export { cluster } from './cluster.js';
export { asking, readonly, readwrite } from './cluster-mode.js';
export { command } from './command.js';
export { config } from './config.js';
export { dbsize } from './dbsize.js';
export { debug } from './debug.js';
export { del } from './del.js';
export { discard } from './discard.js';
export { dump } from './dump.js';
export { echo } from './echo.js';
export { exec } from './exec.js';
export { exists } from './exists.js';
export { hello } from './hello.js';
export { hgetall } from './hgetall.js';
export { info } from './info.js';
export { keys } from './keys.js';
export { latency } from './latency.js';
export { lindex } from './lindex.js';
export { llen } from './llen.js';
export { lmove } from './lmove.js';
export { lmpop } from './lmpop.js';
export { lpop } from './lpop.js';
export { lpush } from './lpush.js';
export { lrange } from './lrange.js';
export { lrem } from './lrem.js';
export { memory } from './memory.js';
export { module } from './module.js';
export { monitor } from './monitor.js';
export { multi } from './multi.js';
export { object } from './object.js';
export { ping } from './ping.js';
export { psubscribe } from './psubscribe.js';
export { pttl } from './pttl.js';
export { publish } from './publish.js';
export { pubsub } from './pubsub.js';
export { punsubscribe } from './punsubscribe.js';
export { quit } from './quit.js';
export { reset } from './reset.js';
export { role } from './role.js';
export { rpop } from './rpop.js';
export { rpoplpush } from './rpoplpush.js';
export { rpush } from './rpush.js';
export { rpushx } from './rpushx.js';
export { scan } from './scan.js';
export {
  evalRo,
  evalScript,
  evalsha,
  evalshaRo,
  fcall,
  fcallRo,
  functions,
  script,
} from './scripting.js';
export { select } from './select.js';
export { slowlog } from './slowlog.js';
export { subscribe } from './subscribe.js';
export { time } from './time.js';
export { ttl } from './ttl.js';
export { type } from './type.js';
export { unsubscribe } from './unsubscribe.js';
export { unwatch } from './unwatch.js';
export { wait } from './wait.js';
export { watch } from './watch.js';
export { xack } from './xack.js';
export { xadd } from './xadd.js';
export { xautoclaim } from './xautoclaim.js';
export { xclaim } from './xclaim.js';
export { xdel } from './xdel.js';
export { xgroup } from './xgroup.js';
export { xinfo } from './xinfo.js';
export { xlen } from './xlen.js';
export { xpending } from './xpending.js';
export { xrange } from './xrange.js';
export { xread } from './xread.js';
export { xreadgroup } from './xreadgroup.js';
export { xrevrange } from './xrevrange.js';
export { xtrim } from './xtrim.js';
