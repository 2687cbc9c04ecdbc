# redis-rb: ruby redis_rb.rb PORT NAME
require 'redis'

PORT = Integer(ARGV[0])
NAME = ARGV[1]

# The key of a topic of this program, with the shape of its reply.
def key(topic, reply = nil)
  "topics:#{NAME}-#{topic}" + (reply ? ":{\"rafka.reply\":\"#{reply}\"}" : '')
end

def connect(group)
  Redis.new(port: PORT, id: "#{NAME}-#{group}:c")
end

def expect(wanted, got)
  raise "got #{got.inspect} for #{wanted.inspect}" unless wanted == got
end

# `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it.
def position(reply)
  raise "got #{reply.inspect}" unless reply.is_a?(Array) && reply.length == 8 && reply[7] == 'hello'

  [reply[1], reply[3], reply[5]].join(':')
end

# Reports `ok STEP detail` or `no STEP reason`.
def take(step)
  detail = yield
  puts "ok #{step} #{detail if detail.is_a?(String)}".rstrip
rescue StandardError => e
  puts "no #{step} #{e.class}: #{e.message.lines.first}"
end

# What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client.
def blpop(topic, reply = nil)
  consumer = connect(topic)
  consumer.rpushx(key(topic), 'hello')
  answer = consumer.blpop(key(topic, reply), timeout: 20)
  if reply == 'pair'
    expect('hello', answer[1])
  else
    expect(1, consumer.rpush('acks', [position(answer)]))
  end
  consumer.close
end

$stdout.sync = true
puts "version #{Redis::VERSION}"
c = connect('main')
take('connect') { expect('PONG', c.ping) }
take('rpushx') { expect(1, c.rpushx(key('a'), 'hello')) }
take('wait') do
  c.rpushx(key('a'), 'hello')
  expect(1, c.call([:wait, 1, 10_000]))
  expect(0, c.call([:dump, 10_000]))
end
take('pipeline') { expect([1] * 10, c.pipelined { |pipe| 10.times { |n| pipe.rpushx(key('pipe'), n) } }) }
take('multi') { expect([1] * 10, c.multi { |multi| 10.times { |n| multi.rpushx(key('multi'), n) } }) }
take('blpop') { blpop('integers') }
take('strings') { blpop('strings', 'strings') }
take('pair') { blpop('pair', 'pair') }
take('exactly-once') do
  consumer = connect('in')
  consumer.rpushx(key('in'), 'hello')
  at = position(consumer.blpop(key('in'), timeout: 20))
  done = consumer.multi do |multi|
    multi.rpushx(key('out'), 'done')
    multi.rpush('acks', [at])
  end
  expect([1, 1], done)
end
take('stream') do
  stream = "#{NAME}-stream"
  id = c.xadd(stream, { field: 'hello' })
  c.xgroup(:create, stream, 'g', '0')
  entries = c.xreadgroup('g', 'c', stream, '>', count: 10, block: 10_000)
  expect([[id, { 'field' => 'hello' }]], entries[stream])
  expect(1, c.xack(stream, 'g', id))
end
take('pubsub') do
  got = nil
  connect('listener').subscribe_with_timeout(10, "#{NAME}-channel") do |on|
    on.subscribe { c.publish("#{NAME}-channel", 'hello') }
    on.message do |_channel, message|
      got = message
      raise StopIteration
    end
  end
rescue StopIteration
  expect('hello', got)
end
take('reconnect') do
  c.call([:client, :kill, :id, c.call(%i[client id]), :skipme, :no])
  errors = 0
  begin
    c.ping
  rescue Redis::BaseConnectionError
    errors += 1
    retry if errors < 20
    raise
  end
  "#{errors} errors"
end
take('close') { expect('OK', c.quit) }
