"""Valkey GLIDE: python3 glide_client.py PORT NAME."""

import asyncio
from importlib.metadata import version

from glide import (
    Batch,
    GlideClient,
    GlideClientConfiguration,
    NodeAddress,
    RequestError,
    StreamGroupOptions,
    StreamReadGroupOptions,
)
from steps import NAME, PORT, expect, key, position, take_async, text


def configuration(group, **more):
    # Its 250 ms are too short for what creates a topic, and for the first BLPOP of a group.
    more = {'request_timeout': 10_000, **more}
    return GlideClientConfiguration([NodeAddress('127.0.0.1', PORT)], client_name=f'{NAME}-{group}:c', **more)


async def connect(group, **more):
    return await GlideClient.create(configuration(group, **more))


async def run(c):
    async def wait():
        await c.rpushx(key('a'), ['hello'])
        expect(await c.wait(1, 10_000) == 1, 'WAIT is not 1')
        expect(await c.custom_command(['DUMP', '10000']) == 0, 'DUMP is not 0')

    async def piped(is_atomic):
        batch = Batch(is_atomic)
        for n in range(10):
            batch.rpushx(key('pipe'), [str(n)])
        expect(await c.exec(batch, raise_on_error=True) == [1] * 10, 'pipeline')

    async def blpop(topic, reply=None):
        consumer = await connect(topic)
        await consumer.rpushx(key(topic), ['hello'])
        answer = await consumer.blpop([key(topic, reply)], 20)
        if reply == 'pair':
            expect(text(answer[1]) == 'hello', answer)
        else:
            expect(await consumer.rpush('acks', [position(answer)]) == 1, 'ack')
        await consumer.close()

    async def exactly_once():
        consumer = await connect('in')
        await consumer.rpushx(key('in'), ['hello'])
        at = position(await consumer.blpop([key('in')], 20))
        batch = Batch(True)
        batch.rpushx(key('out'), ['done'])
        batch.rpush('acks', [at])
        expect(await consumer.exec(batch, raise_on_error=True) == [1, 1], 'EXEC')
        await consumer.close()

    async def stream():
        name = f'{NAME}-stream'
        id = await c.xadd(name, [('field', 'hello')])
        await c.xgroup_create(name, 'g', '0', StreamGroupOptions())
        entries = await c.xreadgroup({name: '>'}, 'g', 'c', StreamReadGroupOptions(count=10))
        expect(id in list(entries.values())[0], entries)
        expect(await c.xack(name, 'g', [id]) == 1, 'XACK')

    async def pubsub():
        config = configuration('listener')
        config.pubsub_subscriptions = GlideClientConfiguration.PubSubSubscriptions(
            {GlideClientConfiguration.PubSubChannelModes.Exact: {f'{NAME}-channel'}}, None, None
        )
        listener = await GlideClient.create(config)
        await c.publish('hello', f'{NAME}-channel')
        message = await asyncio.wait_for(listener.get_pubsub_message(), 10)
        expect(text(message.message) == 'hello', message)
        await listener.close()

    async def reconnect():
        await c.custom_command(['CLIENT', 'KILL', 'ID', str(await c.client_id()), 'SKIPME', 'no'])
        for errors in range(20):
            try:
                await c.ping()
                return f'{errors} errors'
            except RequestError:
                await asyncio.sleep(0.1)
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
    await take_async('close', c.close)


async def main():
    await run(await connect('main'))


print(f'version {version("valkey-glide")}')
asyncio.run(main())
