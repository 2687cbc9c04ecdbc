"""FastStream. python3 faststream_app.py PORT STREAM produce|consume COUNT [CRASH_AFTER]"""
import asyncio
import os
import signal
import sys
import time

from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis

port, stream, mode, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
crash_after = int(sys.argv[5]) if len(sys.argv) > 5 else 0
broker = RedisBroker(f"redis://127.0.0.1:{port}")
done = 0
last = time.monotonic()


async def handle(body: str) -> None:
    global done, last
    if crash_after and done >= crash_after:
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1
    last = time.monotonic()
    print("got", body, flush=True)


if mode == "consume":
    name = "first" if crash_after else "second"
    broker.subscriber(stream=StreamSub(stream, group="g", consumer=name, max_records=50, polling_interval=1000))(handle)
    if not crash_after:
        # What the crashed consumer had: claimed when it is idle for long enough.
        claiming = StreamSub(stream, group="g", consumer="claims", max_records=50, min_idle_time=1000)
        broker.subscriber(stream=claiming)(handle)


async def main() -> None:
    if mode == "produce":
        # FastStream starts new groups at the end of a stream: what is produced before its consumer comes needs the group first.
        async with Redis(port=port) as client:
            await client.xgroup_create(stream, "g", id="0", mkstream=True)
        async with broker:
            for start in range(0, count, 100):
                await asyncio.gather(*(broker.publish(f"n{n}", stream=stream) for n in range(start, min(start + 100, count))))
        return
    await broker.start()
    while time.monotonic() - last < 12:
        await asyncio.sleep(0.2)
    await broker.stop()


asyncio.run(main())
