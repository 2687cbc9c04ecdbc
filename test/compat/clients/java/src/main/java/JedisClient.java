import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.util.SafeEncoder;

/** Jedis: JedisClient PORT NAME. */
final class JedisClient {
  static Jedis connect(String group) {
    return new Jedis(new HostAndPort("127.0.0.1", Steps.port), DefaultJedisClientConfig.builder().clientName(Steps.client(group)).build());
  }

  /** What the library's own blpop makes of the reply. A connection consumes one topic: each reply has its own client. */
  static Object blpop(String topic, String reply) {
    try (Jedis consumer = connect(topic)) {
      consumer.rpushx(Steps.key(topic, null), "hello");
      List<String> answer = consumer.blpop(20, Steps.key(topic, reply));
      if ("pair".equals(reply)) Steps.expect("hello", answer.get(1));
      else Steps.expect(1L, consumer.rpush("acks", Steps.position(answer)));
      return null;
    }
  }

  static Object number(Jedis c, String command, String... args) {
    return c.sendCommand(() -> SafeEncoder.encode(command), args);
  }

  public static void main(String[] args) {
    Steps.begin(args, "jedis");
    Jedis c = connect("main");
    Steps.take("connect", () -> { Steps.expect("PONG", c.ping()); return null; });
    Steps.take("rpushx", () -> { Steps.expect(1L, c.rpushx(Steps.key("a", null), "hello")); return null; });
    Steps.take("wait", () -> {
      c.rpushx(Steps.key("a", null), "hello");
      Steps.expect(1L, number(c, "WAIT", "1", "10000"));
      Steps.expect(0L, number(c, "DUMP", "10000"));
      return null;
    });
    Steps.take("pipeline", () -> {
      Pipeline pipe = c.pipelined();
      for (int n = 0; n < 10; n++) pipe.rpushx(Steps.key("pipe", null), "hello");
      Steps.expect(Steps.ONES, pipe.syncAndReturnAll());
      return null;
    });
    Steps.take("multi", () -> {
      var multi = c.multi();
      for (int n = 0; n < 10; n++) multi.rpushx(Steps.key("multi", null), "hello");
      Steps.expect(Steps.ONES, multi.exec());
      return null;
    });
    Steps.take("blpop", () -> blpop("integers", null));
    Steps.take("strings", () -> blpop("strings", "strings"));
    Steps.take("pair", () -> blpop("pair", "pair"));
    Steps.take("exactly-once", () -> {
      try (Jedis consumer = connect("in")) {
        consumer.rpushx(Steps.key("in", null), "hello");
        String at = Steps.position(consumer.blpop(20, Steps.key("in", "strings")));
        var multi = consumer.multi();
        multi.rpushx(Steps.key("out", null), "done");
        multi.rpush("acks", at);
        Steps.expect(List.of(1L, 1L), multi.exec());
        return null;
      }
    });
    Steps.take("stream", () -> {
      String stream = Steps.name + "-stream";
      StreamEntryID id = c.xadd(stream, StreamEntryID.NEW_ENTRY, Map.of("field", "hello"));
      c.xgroupCreate(stream, "g", new StreamEntryID(0, 0), false);
      var read = c.xreadGroup("g", "c", new XReadGroupParams().count(10).block(1_000), Map.of(stream, StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY));
      Steps.expect(id, read.get(0).getValue().get(0).getID());
      Steps.expect(1L, c.xack(stream, "g", id));
      return null;
    });
    Steps.take("pubsub", () -> {
      CompletableFuture<String> heard = new CompletableFuture<>();
      JedisPubSub listener = new JedisPubSub() {
        @Override public void onSubscribe(String channel, int count) { c.publish(channel, "hello"); }
        @Override public void onMessage(String channel, String message) { heard.complete(message); unsubscribe(); }
      };
      try (Jedis subscriber = connect("listener")) { subscriber.subscribe(listener, Steps.name + "-channel"); }
      Steps.expect("hello", heard.get(10, TimeUnit.SECONDS));
      return null;
    });
    Steps.take("reconnect", () -> {
      try (RedisClient pool = RedisClient.builder().hostAndPort("127.0.0.1", Steps.port).build()) {
        Object id = pool.sendCommand(Protocol.Command.CLIENT, "ID");
        number(c, "CLIENT", "KILL", "ID", Steps.text(id));
        return "RedisClient, " + Steps.answersAgain(pool::ping);
      }
    });
    Steps.take("close", () -> { c.close(); return null; });
  }
}
