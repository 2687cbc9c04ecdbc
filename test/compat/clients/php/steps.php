<?php
// The steps that every program takes, and how it reports them: `ok STEP detail` or `no STEP reason`.
[, $port, $name] = $argv;
$port = (int) $port;

function key_of(string $topic, ?string $reply = null): string
{
    global $name;
    return "topics:$name-$topic" . ($reply === null ? '' : ":{\"rafka.reply\":\"$reply\"}");
}

function expect($wanted, $got): void
{
    if ($wanted !== $got) throw new Exception('got ' . json_encode($got) . ' for ' . json_encode($wanted));
}

/** `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it. */
function position($reply): string
{
    if (!is_array($reply) || count($reply) !== 8 || $reply[7] !== 'hello') throw new Exception('got ' . json_encode($reply));
    return "$reply[1]:$reply[3]:$reply[5]";
}

function take(string $step, callable $run): void
{
    try {
        echo rtrim("ok $step " . $run()), "\n";
    } catch (Throwable $error) {
        echo "no $step ", get_class($error), ': ', strtok($error->getMessage(), "\n"), "\n";
    }
}

/** Tries until it answers; its connection was killed before. */
function answers_again(callable $ping): string
{
    for ($errors = 0; $errors < 20; $errors++) {
        try {
            $ping();
            return "$errors errors";
        } catch (Throwable $error) {
            usleep(50_000);
        }
    }
    throw new Exception('stays disconnected');
}
