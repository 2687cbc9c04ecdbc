<?php
// Predis: php predis.php PORT NAME
require 'steps.php';
require 'Predis/Autoloader.php';
Predis\Autoloader::register();

function connect(string $group): Predis\Client
{
    global $port, $name;
    $client = new Predis\Client(['host' => '127.0.0.1', 'port' => $port]);
    $client->client('SETNAME', "$name-$group:c");
    return $client;
}

/** What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client. */
function blpop(string $topic, ?string $reply = null): void
{
    $consumer = connect($topic);
    expect(1, $consumer->rpushx(key_of($topic), 'hello'));
    $answer = $consumer->blpop([key_of($topic, $reply)], 20);
    if ($reply === 'pair') expect('hello', $answer[1]);
    else expect(1, $consumer->rpush('acks', [position($answer)]));
    $consumer->disconnect();
}

$c = connect('main');
echo 'version ', Predis\Client::VERSION, "\n";
take('connect', fn() => expect('PONG', (string) $c->ping()));
take('rpushx', fn() => expect(1, $c->rpushx(key_of('a'), 'hello')));
take('wait', function () use ($c) {
    $c->rpushx(key_of('a'), 'hello');
    expect(1, $c->executeRaw(['WAIT', '1', '10000']));
    expect(0, $c->executeRaw(['DUMP', '10000']));
});
take('pipeline', fn() => expect(array_fill(0, 10, 1), $c->pipeline(function ($pipe) {
    for ($n = 0; $n < 10; $n++) $pipe->rpushx(key_of('pipe'), (string) $n);
})));
take('multi', fn() => expect(array_fill(0, 10, 1), $c->transaction(function ($multi) {
    for ($n = 0; $n < 10; $n++) $multi->rpushx(key_of('multi'), (string) $n);
})));
take('blpop', fn() => blpop('integers'));
take('strings', fn() => blpop('strings', 'strings'));
take('pair', fn() => blpop('pair', 'pair'));
take('exactly-once', function () {
    $consumer = connect('in');
    $consumer->rpushx(key_of('in'), 'hello');
    $at = position($consumer->blpop([key_of('in')], 20));
    expect([1, 1], $consumer->transaction(function ($multi) use ($at) {
        $multi->rpushx(key_of('out'), 'done');
        $multi->rpush('acks', [$at]);
    }));
});
take('stream', function () use ($c, $name) {
    $stream = "$name-stream";
    $id = $c->executeRaw(['XADD', $stream, '*', 'field', 'hello']);
    $c->executeRaw(['XGROUP', 'CREATE', $stream, 'g', '0']);
    $read = $c->executeRaw(['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '10', 'BLOCK', '10000', 'STREAMS', $stream, '>']);
    expect($id, $read[0][1][0][0]);
    expect(1, $c->executeRaw(['XACK', $stream, 'g', $id]));
    return 'executeRaw';
});
take('pubsub', function () use ($c, $name) {
    $loop = connect('listener')->pubSubLoop(['subscribe' => "$name-channel"]);
    foreach ($loop as $message) {
        if ($message->kind === 'subscribe') $c->publish("$name-channel", 'hello');
        else break;
    }
    expect('hello', $message->payload);
    $loop->stop(true);
});
take('reconnect', function () use ($c) {
    $c->executeRaw(['CLIENT', 'KILL', 'ID', (string) $c->executeRaw(['CLIENT', 'ID']), 'SKIPME', 'no']);
    return answers_again(fn() => $c->ping());
});
take('close', fn() => $c->disconnect());
