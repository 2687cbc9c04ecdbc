import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.ArrayOutput;
import io.lettuce.core.output.IntegerOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Lettuce: LettuceClient PORT NAME. */
final class LettuceClient {
  static RedisClient client;

  static RedisURI uri(String group) {
    return RedisURI.builder().withHost("127.0.0.1").withPort(Steps.port).withClientName(Steps.client(group)).build();
  }

  static CommandArgs<String, String> args(String... values) {
    CommandArgs<String, String> args = new CommandArgs<>(StringCodec.UTF8);
    for (String value : values) args.add(value);
    return args;
  }

  /** What the library's own blpop makes of the reply, in pairs; else its dispatch. A connection consumes one topic. */
  static Object blpop(String topic, String reply) {
    try (StatefulRedisConnection<String, String> connection = client.connect(uri(topic))) {
      RedisCommands<String, String> consumer = connection.sync();
      consumer.rpushx(Steps.key(topic, null), "hello");
      if ("pair".equals(reply)) {
        Steps.expect("hello", consumer.blpop(20, Steps.key(topic, reply)).getValue());
        return null;
      }
      Steps.expect(1L, consumer.rpush("acks", raw(consumer, topic, reply)));
      return "dispatch";
    }
  }

  static String raw(RedisCommands<String, String> consumer, String topic, String reply) {
    return Steps.position(consumer.dispatch(CommandType.BLPOP, new ArrayOutput<>(StringCodec.UTF8), args(Steps.key(topic, reply), "20")));
  }

  static List<Object> values(TransactionResult result) {
    return new ArrayList<>(result.stream().toList());
  }

  public static void main(String[] arguments) {
    Steps.begin(arguments, "lettuce-core");
    client = RedisClient.create(uri("main"));
    StatefulRedisConnection<String, String> connection = client.connect();
    RedisCommands<String, String> c = connection.sync();
    Steps.take("connect", () -> { Steps.expect("PONG", c.ping()); return null; });
    Steps.take("rpushx", () -> { Steps.expect(1L, c.rpushx(Steps.key("a", null), "hello")); return null; });
    Steps.take("wait", () -> {
      c.rpushx(Steps.key("a", null), "hello");
      Steps.expect(1L, c.waitForReplication(1, 10_000));
      ProtocolKeyword dump = new ProtocolKeyword() {
        @Override public byte[] getBytes() { return "DUMP".getBytes(StandardCharsets.US_ASCII); }
        @Override public String toString() { return "DUMP"; }
      };
      Steps.expect(0L, c.dispatch(dump, new IntegerOutput<>(StringCodec.UTF8), args("10000")));
      return null;
    });
    Steps.take("pipeline", () -> {
      List<CompletableFuture<Long>> sent = new ArrayList<>();
      for (int n = 0; n < 10; n++) sent.add(connection.async().rpushx(Steps.key("pipe", null), "hello").toCompletableFuture());
      Steps.expect(Steps.ONES, sent.stream().map(CompletableFuture::join).toList());
      return null;
    });
    Steps.take("multi", () -> {
      c.multi();
      for (int n = 0; n < 10; n++) c.rpushx(Steps.key("multi", null), "hello");
      Steps.expect(Steps.ONES, values(c.exec()));
      return null;
    });
    Steps.take("blpop", () -> blpop("integers", null));
    Steps.take("strings", () -> blpop("strings", "strings"));
    Steps.take("pair", () -> blpop("pair", "pair"));
    Steps.take("exactly-once", () -> {
      try (StatefulRedisConnection<String, String> own = client.connect(uri("in"))) {
        RedisCommands<String, String> consumer = own.sync();
        consumer.rpushx(Steps.key("in", null), "hello");
        String at = raw(consumer, "in", null);
        consumer.multi();
        consumer.rpushx(Steps.key("out", null), "done");
        consumer.rpush("acks", at);
        Steps.expect(List.of(1L, 1L), values(consumer.exec()));
        return null;
      }
    });
    Steps.take("stream", () -> {
      String stream = Steps.name + "-stream";
      String id = c.xadd(stream, Map.of("field", "hello"));
      c.xgroupCreate(XReadArgs.StreamOffset.from(stream, "0"), "g");
      var read = c.xreadgroup(Consumer.from("g", "c"), XReadArgs.Builder.count(10).block(10_000), XReadArgs.StreamOffset.lastConsumed(stream));
      Steps.expect(id, read.get(0).getId());
      Steps.expect(1L, c.xack(stream, "g", id));
      return null;
    });
    Steps.take("pubsub", () -> {
      CompletableFuture<String> heard = new CompletableFuture<>();
      try (var listener = client.connectPubSub()) {
        listener.addListener(new RedisPubSubAdapter<>() {
          @Override public void message(String channel, String message) { heard.complete(message); }
        });
        listener.sync().subscribe(Steps.name + "-channel");
        c.publish(Steps.name + "-channel", "hello");
        Steps.expect("hello", heard.get(10, TimeUnit.SECONDS));
        return null;
      }
    });
    Steps.take("reconnect", () -> {
      try (var other = client.connect()) {
        other.sync().clientKill(io.lettuce.core.KillArgs.Builder.id(c.clientId()));
        return Steps.answersAgain(c::ping);
      }
    });
    Steps.take("close", () -> { client.shutdown(); return null; });
  }
}
