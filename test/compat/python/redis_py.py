"""redis-py's own stream API. python3 redis_py.py PORT STREAM produce|consume COUNT [CRASH_AFTER]"""
import os
import signal
import sys

import redis

port, stream, mode, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
crash_after = int(sys.argv[5]) if len(sys.argv) > 5 else 0
client = redis.Redis(port=port, decode_responses=True, socket_timeout=60)

if mode == "produce":
    for start in range(0, count, 100):
        pipeline = client.pipeline(transaction=False)
        for number in range(start, min(start + 100, count)):
            pipeline.xadd(stream, {"value": f"n{number}", "kind": "compat"})
        assert all(pipeline.execute())
    sys.exit()

try:
    client.xgroup_create(stream, "g", id="0", mkstream=True)
except redis.ResponseError as error:
    assert "BUSYGROUP" in str(error), error

done = 0
# What this consumer had when it crashed comes first: its pending entries, then new ones.
cursor = "0"
quiet = 0
while quiet < 3:
    reply = client.xreadgroup("g", "c", {stream: cursor}, count=100, block=3000)
    entries = (reply[stream][0] if isinstance(reply, dict) else reply[0][1]) if reply else []
    if cursor != ">":
        cursor = entries[-1][0] if entries else ">"
    elif not entries:
        quiet += 1
    for entry_id, fields in entries:
        assert fields is None or fields["kind"] == "compat"
        if crash_after and done >= crash_after:
            os.kill(os.getpid(), signal.SIGKILL)
        assert client.xack(stream, "g", entry_id) == 1
        done += 1
        if fields:
            print("got", fields["value"], flush=True)
