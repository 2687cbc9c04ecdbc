# Redis.pm and Redis::Fast: perl redis.pl PORT NAME Redis|Redis::Fast
use strict;
use warnings;

my ($port, $name, $module) = @ARGV;
$| = 1;
eval "require $module" or die $@;

# The key of a topic of this program, with the shape of its reply.
sub key { my ($topic, $reply) = @_; "topics:$name-$topic" . ($reply ? ":{\"rafka.reply\":\"$reply\"}" : '') }
sub connect_as { $module->new(server => "127.0.0.1:$port", name => "$name-$_[0]:c", reconnect => 5) }
sub expect { my ($wanted, $got) = @_; die 'got ' . ($got // 'nothing') . " for $wanted\n" if !defined $got || $wanted ne $got; '' }

sub take {
  my ($step, $run) = @_;
  my $detail = eval { $run->() // '' };
  if ($@) { print "no $step ", (split /\n/, $@)[0], "\n" }
  else { print $detail eq '' ? "ok $step\n" : "ok $step $detail\n" }
}

# `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it.
sub position { die "got @_\n" if @_ != 8 || $_[7] ne 'hello'; join ':', @_[1, 3, 5] }

# What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client.
sub blpop {
  my ($topic, $reply) = @_;
  my $consumer = connect_as($topic);
  $consumer->rpushx(key($topic), 'hello');
  my @answer = $consumer->blpop(key($topic, $reply), 20);
  return expect('hello', $answer[1]) if ($reply // '') eq 'pair';
  expect(1, $consumer->rpush('acks', position(@answer)));
}

my $c = connect_as('main');
print 'version ', $module->VERSION, "\n";
take('connect', sub { expect('PONG', $c->ping) });
take('rpushx', sub { expect(1, $c->rpushx(key('a'), 'hello')) });
take('wait', sub {
  $c->rpushx(key('a'), 'hello');
  expect(1, $c->wait(1, 10_000));
  expect(0, $c->dump(10_000));
});
take('pipeline', sub {
  my $ones = 0;
  $c->rpushx(key('pipe'), $_, sub { $ones += $_[0] }) for 1 .. 10;
  $c->wait_all_responses;
  expect(10, $ones);
});
take('multi', sub {
  $c->multi;
  $c->rpushx(key('multi'), $_) for 1 .. 10;
  expect('1' x 10, join '', $c->exec);
});
take('blpop', sub { blpop('integers') });
take('strings', sub { blpop('strings', 'strings') });
take('pair', sub { blpop('pair', 'pair') });
take('exactly-once', sub {
  my $consumer = connect_as('in');
  $consumer->rpushx(key('in'), 'hello');
  my $at = position($consumer->blpop(key('in'), 20));
  $consumer->multi;
  $consumer->rpushx(key('out'), 'done');
  $consumer->rpush('acks', $at);
  expect('11', join '', $consumer->exec);
});
take('stream', sub {
  my $id = $c->xadd("$name-stream", '*', 'field', 'hello');
  $c->xgroup('CREATE', "$name-stream", 'g', '0');
  my ($read) = $c->xreadgroup('GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 10_000, 'STREAMS', "$name-stream", '>');
  expect($id, $read->[1][0][0]);
  expect(1, $c->xack("$name-stream", 'g', $id));
});
take('pubsub', sub {
  my ($listener, $got) = connect_as('listener');
  $listener->subscribe("$name-channel", sub { $got = $_[0] });
  $c->publish("$name-channel", 'hello');
  $listener->wait_for_messages(10);
  expect('hello', $got);
});
take('reconnect', sub {
  connect_as('killer')->client('KILL', 'ID', $c->client('ID'));
  expect('PONG', $c->ping);
});
take('close', sub { $c->quit; '' });
