"""redis-py's asyncio, and aioredis, which it came from: python3 redis_asyncio.py PORT NAME redis|aioredis."""

import asyncio
import importlib
import sys
from importlib.metadata import version

from steps import NAME, PORT, expect, key, position, take_async, text

library = importlib.import_module('redis.asyncio' if sys.argv[3] == 'redis' else sys.argv[3])


def connect(group):
    return library.Redis(port=PORT, client_name=f'{NAME}-{group}:c')


async def run(c):
    async def wait():
        await c.rpushx(key('a'), 'hello')
        expect(await c.wait(1, 10_000) == 1, 'WAIT is not 1')
        expect(await c.execute_command('DUMP', 10_000) == 0, 'DUMP is not 0')

    async def piped(transaction):
        pipe = c.pipeline(transaction=transaction)
        for n in range(10):
            pipe.rpushx(key('pipe'), n)
        expect(await pipe.execute() == [1] * 10, 'pipeline')

    async def blpop(topic, reply=None):
        consumer = connect(topic)
        await consumer.rpushx(key(topic), 'hello')
        answer = await consumer.blpop(key(topic, reply), 20)
        if reply == 'pair':
            expect(text(answer[1]) == 'hello', answer)
        else:
            expect(await consumer.rpush('acks', position(answer)) == 1, 'ack')
        await consumer.close()

    async def exactly_once():
        consumer = connect('in')
        await consumer.rpushx(key('in'), 'hello')
        at = position(await consumer.blpop(key('in'), 20))
        pipe = consumer.pipeline()
        pipe.rpushx(key('out'), 'done')
        pipe.rpush('acks', at)
        expect(await pipe.execute() == [1, 1], 'EXEC')
        await consumer.close()

    async def stream():
        name = f'{NAME}-stream'
        id = await c.xadd(name, {'field': 'hello'})
        await c.xgroup_create(name, 'g', 0)
        entries = await c.xreadgroup('g', 'c', {name: '>'}, count=10, block=10_000)
        expect(entries[0][1][0][0] == id, entries)
        expect(await c.xack(name, 'g', id) == 1, 'XACK')

    async def pubsub():
        listener = c.pubsub()
        await listener.subscribe(f'{NAME}-channel')
        expect((await listener.get_message(timeout=10))['type'] == 'subscribe', 'no confirmation')
        await c.publish(f'{NAME}-channel', 'hello')
        message = await listener.get_message(timeout=10)
        expect(message and text(message['data']) == 'hello', message)
        await listener.close()

    async def reconnect():
        await c.execute_command('CLIENT', 'KILL', 'ID', await c.client_id(), 'SKIPME', 'no')
        for errors in range(5):
            try:
                await c.ping()
                return f'{errors} errors'
            except library.ConnectionError:
                pass
        raise AssertionError('stays disconnected')

    async def ping():
        expect(await c.ping() is True, 'no PONG')

    async def rpushx():
        expect(await c.rpushx(key('a'), 'hello') == 1, 'not 1')

    await take_async('connect', ping)
    await take_async('rpushx', rpushx)
    await take_async('wait', wait)
    await take_async('pipeline', lambda: piped(False))
    await take_async('multi', lambda: piped(True))
    await take_async('blpop', lambda: blpop('integers'))
    await take_async('strings', lambda: blpop('strings', 'strings'))
    await take_async('pair', lambda: blpop('pair', 'pair'))
    await take_async('exactly-once', exactly_once)
    await take_async('stream', stream)
    await take_async('pubsub', pubsub)
    await take_async('reconnect', reconnect)
    await take_async('close', c.close)


async def main():
    await run(connect('main'))


print(f'version {version(sys.argv[3])}')
asyncio.run(main())
