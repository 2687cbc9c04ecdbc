# redis-rb as it reconnects in silence: ruby reconnects.rb PORT NAME PASSWORD queued|delivered, until stdin ends.
# Prints `in ID` for what RPUSHX has answered as delivered, `batch N ID ...` for what a DUMP spoke for, `error TEXT` for the rest.
require 'redis'

PORT, NAME, PASSWORD, MODE = ARGV
BATCH = 30

# What the library gave up is tried again: an id is answered in the end.
def insist
  yield
rescue Redis::BaseError => e
  puts "error #{e.class}: #{e.message.lines.first}"
  sleep 0.05
  retry
end

stopping = false
Thread.new do
  $stdin.read
  stopping = true
end
$stdout.sync = true
client = Redis.new(port: Integer(PORT), username: NAME, password: PASSWORD)
number = 0
until stopping
  ids = Array.new(BATCH) { "#{NAME}-#{number += 1}" }
  ids.each do |id|
    insist { client.rpushx('topics:reconnects', id) }
    puts "in #{id}" if MODE == 'delivered'
  end
  puts "batch #{insist { client.call([:dump, 10_000]) }} #{ids.join(' ')}" if MODE == 'queued'
  sleep 0.02
end
