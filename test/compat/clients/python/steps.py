"""The steps that every program of test/compat/clients takes, and how it reports them: `ok STEP detail` or `no STEP reason`."""

import inspect
import sys

PORT, NAME = int(sys.argv[1]), sys.argv[2]


def key(topic, reply=None):
    """The key of a topic of this program, with the shape of its reply."""
    return f'topics:{NAME}-{topic}' + ('' if reply is None else ':{"rafka.reply":"%s"}' % reply)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def expect(isTrue, got):
    if not isTrue:
        raise AssertionError(f'got {got!r}')


def position(reply):
    """`topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it."""
    expect(len(reply) == 8 and text(reply[7]) == 'hello', reply)
    return ':'.join(text(reply[at]) for at in (1, 3, 5))


def report(step, error, detail=None):
    if error is None:
        print(f'ok {step} {detail or ""}'.rstrip(), flush=True)
    else:
        lines = str(error).split('\n')
        print(f'no {step} {type(error).__name__}: {lines[0]}', flush=True)


def take(step, run):
    try:
        report(step, None, run())
    except Exception as error:
        report(step, error)


async def take_async(step, run):
    try:
        detail = run()
        report(step, None, await detail if inspect.isawaitable(detail) else detail)
    except Exception as error:
        report(step, error)
