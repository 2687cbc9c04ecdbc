# The same as exactly-once-worker.ts with redis-py: a pipeline() is a transaction by default.
import sys
import time

import redis

port, stage, batch = (int(word) for word in sys.argv[1:4])
source, target = f"topics:stage{stage}", f"topics:stage{stage + 1}"


def step(client):
    first = client.execute_command("BLPOP", source, 2)
    if not first:
        return
    others = client.pipeline(transaction=False)
    for _ in range(batch - 1):
        others.execute_command("BLPOP", source, 0.001)
    popped = [first] + [reply for reply in others.execute() if reply]
    exec_ = client.pipeline()
    for reply in popped:
        exec_.rpushx(f"{target}:{reply[7].split(b'-')[0].decode()}", reply[7])
    exec_.rpush("acks", *[b"%b:%d:%d" % (reply[1], reply[3], reply[5]) for reply in popped])
    exec_.execute()
    print(f"+{len(popped)}", flush=True)


while True:
    try:
        name = f"stage-{stage}:worker"
        with redis.Redis(port=port, client_name=name, retry=None) as client:
            while True:
                step(client)
    except redis.RedisError as error:
        print(str(error).splitlines()[0], flush=True)
        time.sleep(0.05)
