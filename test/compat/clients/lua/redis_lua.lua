-- redis-lua: lua5.1 redis_lua.lua PORT NAME
local redis = require 'redis'
local port, name = tonumber(arg[1]), arg[2]

-- The key of a topic of this program, with the shape of its reply.
local function key(topic, reply)
  return 'topics:' .. name .. '-' .. topic .. (reply and (':{"rafka.reply":"' .. reply .. '"}') or '')
end

for _, command in ipairs { 'client', 'wait', 'dump', 'xadd', 'xgroup', 'xreadgroup', 'xack' } do
  redis.commands[command] = redis.command(command:upper())
end

local function connect(group)
  local client = redis.connect('127.0.0.1', port)
  client:client('SETNAME', name .. '-' .. group .. ':c')
  return client
end

local function expect(wanted, got)
  if wanted ~= got then error('got ' .. tostring(got) .. ' for ' .. tostring(wanted), 0) end
end

local function take(step, run)
  local is_fine, why = pcall(run)
  if is_fine then print('ok ' .. step) else print('no ' .. step .. ' ' .. tostring(why):match('[^\n]*')) end
end

-- `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it.
local function position(reply)
  if type(reply) ~= 'table' or #reply ~= 8 or reply[8] ~= 'hello' then error('got another reply', 0) end
  return reply[2] .. ':' .. reply[4] .. ':' .. reply[6]
end

-- What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client.
local function blpop(topic, reply)
  local consumer = connect(topic)
  consumer:rpushx(key(topic), 'hello')
  local answer = consumer:blpop(key(topic, reply), 20)
  if reply == 'pair' then expect('hello', answer[2]) else expect(1, consumer:rpush('acks', position(answer))) end
end

local function all_ones(count, answers)
  expect(count, #answers)
  for _, answer in ipairs(answers) do expect(1, answer) end
end

local c = connect('main')
print('version ' .. redis._VERSION:match('[%d.]+%S*'))
take('connect', function() expect(true, c:ping()) end)
take('rpushx', function() expect(1, c:rpushx(key('a'), 'hello')) end)
take('wait', function()
  c:rpushx(key('a'), 'hello')
  expect(1, c:wait(1, 10000))
  expect(0, c:dump(10000))
end)
take('pipeline', function()
  all_ones(10, (c:pipeline(function(pipe) for n = 1, 10 do pipe:rpushx(key('pipe'), n) end end)))
end)
take('multi', function()
  all_ones(10, (c:transaction(function(multi) for n = 1, 10 do multi:rpushx(key('multi'), n) end end)))
end)
take('blpop', function() blpop('integers') end)
take('strings', function() blpop('strings', 'strings') end)
take('pair', function() blpop('pair', 'pair') end)
take('exactly-once', function()
  local consumer = connect('in')
  consumer:rpushx(key('in'), 'hello')
  local at = position(consumer:blpop(key('in'), 20))
  all_ones(2, (consumer:transaction(function(multi)
    multi:rpushx(key('out'), 'done')
    multi:rpush('acks', at)
  end)))
end)
take('stream', function()
  local stream = name .. '-stream'
  local id = c:xadd(stream, '*', 'field', 'hello')
  c:xgroup('CREATE', stream, 'g', '0')
  local read = c:xreadgroup('GROUP', 'g', 'c', 'COUNT', 10, 'BLOCK', 10000, 'STREAMS', stream, '>')
  expect(id, read[1][2][1][1])
  expect(1, c:xack(stream, 'g', id))
end)
take('pubsub', function()
  local channel = name .. '-channel'
  for message, abort in connect('listener'):pubsub({ subscribe = { channel } }) do
    if message.kind == 'subscribe' then
      c:publish(channel, 'hello')
    else
      expect('hello', message.payload)
      abort()
    end
  end
end)
take('close', function() c:quit() end)
