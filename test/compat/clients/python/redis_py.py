"""redis-py and its fork valkey-py: python3 redis_py.py PORT NAME redis|valkey."""

import importlib
import sys

from steps import NAME, PORT, expect, key, position, take, text

library = importlib.import_module(sys.argv[3])
Client = getattr(library, 'Redis', None) or library.Valkey


def connect(group):
    return Client(port=PORT, client_name=f'{NAME}-{group}:c')


c = connect('main')


def wait():
    c.rpushx(key('a'), 'hello')
    expect(c.wait(1, 10_000) == 1, 'WAIT is not 1')
    expect(c.execute_command('DUMP', 10_000) == 0, 'DUMP is not 0')


def pipeline():
    pipe = c.pipeline(transaction=False)
    for n in range(10):
        pipe.rpushx(key('pipe'), n)
    pipe.execute_command('DUMP', 10_000)
    expect(pipe.execute() == [1] * 10 + [0], 'pipeline')


def multi():
    pipe = c.pipeline()
    for n in range(10):
        pipe.rpushx(key('multi'), n)
    expect(pipe.execute() == [1] * 10, 'multi')


def typed(topic, reply=None):
    """What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client."""
    consumer = connect(topic)
    consumer.rpushx(key(topic), 'hello')
    return consumer, consumer.blpop(key(topic, reply), 20)


def blpop(topic, reply=None):
    consumer, answer = typed(topic, reply)
    expect(consumer.rpush('acks', position(answer)) == 1, 'ack')
    consumer.close()


def pair():
    consumer, answer = typed('pair', 'pair')
    expect(text(answer[1]) == 'hello', answer)
    consumer.close()


def exactly_once():
    consumer = connect('in')
    consumer.rpushx(key('in'), 'hello')
    at = position(consumer.execute_command('BLPOP', key('in'), 20))
    pipe = consumer.pipeline()
    pipe.rpushx(key('out'), 'done')
    pipe.rpush('acks', at)
    expect(pipe.execute() == [1, 1], 'EXEC')
    consumer.close()


def stream():
    name = f'{NAME}-stream'
    id = c.xadd(name, {'field': 'hello'})
    c.xgroup_create(name, 'g', 0)
    entries = c.xreadgroup('g', 'c', {name: '>'}, count=10, block=10_000)
    rows = list(entries.values())[0][0] if isinstance(entries, dict) else entries[0][1]
    expect(rows[0][0] == id, entries)
    expect(c.xack(name, 'g', id) == 1, 'XACK')


def pubsub():
    listener = c.pubsub(ignore_subscribe_messages=False)
    listener.subscribe(f'{NAME}-channel')
    expect(listener.get_message(timeout=10)['type'] == 'subscribe', 'no confirmation')
    c.publish(f'{NAME}-channel', 'hello')
    message = listener.get_message(timeout=10)
    expect(message and text(message['data']) == 'hello', message)
    listener.close()


def reconnect():
    c.execute_command('CLIENT', 'KILL', 'ID', c.client_id(), 'SKIPME', 'no')
    for errors in range(5):
        try:
            c.ping()
            return f'{errors} errors'
        except library.ConnectionError:
            pass
    raise AssertionError('stays disconnected')


print(f'version {library.__version__}')
take('connect', lambda: expect(c.ping() is True, 'no PONG'))
take('rpushx', lambda: expect(c.rpushx(key('a'), 'hello') == 1, 'not 1'))
take('wait', wait)
take('pipeline', pipeline)
take('multi', multi)
take('blpop', lambda: blpop('integers'))
take('strings', lambda: blpop('strings', 'strings'))
take('pair', pair)
take('exactly-once', exactly_once)
take('stream', stream)
take('pubsub', pubsub)
take('reconnect', reconnect)
take('close', c.close)
