"""coredis: python3 coredis_client.py PORT NAME."""

import asyncio
from importlib.metadata import version

import coredis
from steps import NAME, PORT, expect, key, position, take_async, text


def connect(group):
    return coredis.Redis(port=PORT, client_name=f'{NAME}-{group}:c')


async def run(c):
    async def wait():
        await c.rpushx(key('a'), ['hello'])
        expect(await c.wait(1, 10_000) == 1, 'WAIT is not 1')

    async def piped(transaction):
        async with c.pipeline(transaction=transaction) as pipe:
            results = [pipe.rpushx(key('pipe'), [str(n)]) for n in range(10)]
        expect([await result for result in results] == [1] * 10, 'pipeline')

    async def blpop(topic, reply=None):
        async with connect(topic) as consumer:
            await consumer.rpushx(key(topic), ['hello'])
            answer = await consumer.blpop([key(topic, reply)], 20)
            if reply == 'pair':
                expect(text(answer[1]) == 'hello', answer)
            else:
                expect(await consumer.rpush('acks', [position(answer)]) == 1, 'ack')

    async def exactly_once():
        async with connect('in') as consumer:
            await consumer.rpushx(key('in'), ['hello'])
            at = position(await consumer.blpop([key('in', 'strings')], 20))
            async with consumer.pipeline(transaction=True) as pipe:
                results = [pipe.rpushx(key('out'), ['done']), pipe.rpush('acks', [at])]
            expect([await result for result in results] == [1, 1], 'EXEC')

    async def stream():
        name = f'{NAME}-stream'
        id = await c.xadd(name, {'field': 'hello'})
        await c.xgroup_create(name, 'g', '0')
        entries = await c.xreadgroup('g', 'c', streams={name: '>'}, count=10, block=10_000)
        expect(list(entries.values())[0][0].identifier == id, entries)
        expect(await c.xack(name, 'g', [id]) == 1, 'XACK')

    async def pubsub():
        async with c.pubsub(channels=[f'{NAME}-channel']) as listener:
            await c.publish(f'{NAME}-channel', 'hello')
            while True:
                message = await asyncio.wait_for(listener.get_message(), 10)
                if message and message['type'] == 'message':
                    return expect(text(message['data']) == 'hello', message)

    async def reconnect():
        await c.client_kill(identifier=await c.client_id(), skipme=False)
        for errors in range(5):
            try:
                await c.ping()
                return f'{errors} errors'
            except coredis.exceptions.ConnectionError:
                pass
        raise AssertionError('stays disconnected')

    async def ping():
        expect(text(await c.ping()) == 'PONG', 'no PONG')

    async def rpushx():
        expect(await c.rpushx(key('a'), ['hello']) == 1, 'not 1')

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


async def main():
    async with connect('main') as c:
        await run(c)


print(f'version {version("coredis")}')
asyncio.run(take_async('close', main))
