<?php
// phpredis: php phpredis.php PORT NAME
require 'steps.php';

function connect(string $group): Redis
{
    global $port, $name;
    $client = new Redis();
    $client->connect('127.0.0.1', $port);
    expect(true, $client->client('SETNAME', "$name-$group:c"));
    return $client;
}

/** What the library's own blPop makes of the reply. A connection consumes one topic: each reply has its own client. */
function blpop(string $topic, ?string $reply = null): void
{
    $consumer = connect($topic);
    expect(1, $consumer->rPushx(key_of($topic), 'hello'));
    $answer = $consumer->blPop([key_of($topic, $reply)], 20);
    if ($reply === 'pair') expect('hello', $answer[1] ?? $answer);
    else expect(1, $consumer->rPush('acks', position($answer)));
    $consumer->close();
}

$c = connect('main');
echo 'version ', phpversion('redis'), "\n";
take('connect', fn() => expect(true, $c->ping()));
take('rpushx', fn() => expect(1, $c->rPushx(key_of('a'), 'hello')));
take('wait', function () use ($c) {
    $c->rPushx(key_of('a'), 'hello');
    expect(1, $c->wait(1, 10_000));
    expect(0, $c->rawCommand('DUMP', '10000'));
});
take('pipeline', function () use ($c) {
    $pipe = $c->multi(Redis::PIPELINE);
    for ($n = 0; $n < 10; $n++) $pipe->rPushx(key_of('pipe'), (string) $n);
    expect(array_fill(0, 10, 1), $pipe->exec());
});
take('multi', function () use ($c) {
    $multi = $c->multi();
    for ($n = 0; $n < 10; $n++) $multi->rPushx(key_of('multi'), (string) $n);
    expect(array_fill(0, 10, 1), $multi->exec());
});
take('blpop', fn() => blpop('integers'));
take('strings', fn() => blpop('strings', 'strings'));
take('pair', fn() => blpop('pair', 'pair'));
take('exactly-once', function () {
    $consumer = connect('in');
    $consumer->rPushx(key_of('in'), 'hello');
    $at = position($consumer->blPop([key_of('in', 'strings')], 20));
    expect([1, 1], $consumer->multi()->rPushx(key_of('out'), 'done')->rPush('acks', $at)->exec());
});
take('stream', function () use ($c, $name) {
    $stream = "$name-stream";
    $id = $c->xAdd($stream, '*', ['field' => 'hello']);
    $c->xGroup('CREATE', $stream, 'g', '0');
    $entries = $c->xReadGroup('g', 'c', [$stream => '>'], 10, 10_000);
    expect([$id => ['field' => 'hello']], $entries[$stream]);
    expect(1, $c->xAck($stream, 'g', [$id]));
});
take('pubsub', function () use ($port, $name) {
    // subscribe returns only when it is closed: another process publishes, until it is heard.
    $channel = "$name-channel";
    $publisher = proc_open(['redis-cli', '-p', (string) $port, '-r', '100', '-i', '0.1', 'PUBLISH', $channel, 'hello'], [1 => ['file', '/dev/null', 'w']], $pipes);
    $listener = connect('listener');
    $listener->setOption(Redis::OPT_READ_TIMEOUT, 10);
    $got = null;
    try {
        $listener->subscribe([$channel], function ($redis, $channel, $value) use (&$got) {
            $got = $value;
            $redis->unsubscribe([$channel]);
            $redis->close();
        });
    } catch (RedisException) {
        // What close makes of the loop.
    }
    proc_terminate($publisher);
    expect('hello', $got);
});
take('reconnect', function () use ($c) {
    $c->rawCommand('CLIENT', 'KILL', 'ID', $c->client('ID'), 'SKIPME', 'no');
    return answers_again(fn() => $c->ping());
});
take('close', fn() => expect(true, $c->close()));
