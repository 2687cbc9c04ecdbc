import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RBatch;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.redisnode.RedisNodes;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** Redisson: RedissonClientSteps PORT NAME. Its objects, for it has no call of commands; a lock shows that a refused script ends it. */
final class RedissonClientSteps {
  static RedissonClient connect(String group) {
    Config config = new Config();
    config.setCodec(StringCodec.INSTANCE);
    config.useSingleServer().setAddress("redis://127.0.0.1:" + Steps.port).setClientName(Steps.client(group)).setConnectionMinimumIdleSize(1).setConnectionPoolSize(2);
    return Redisson.create(config);
  }

  static Object blpop(String topic, String reply) throws Exception {
    RedissonClient consumer = connect(topic);
    try {
      consumer.<String>getDeque(Steps.key(topic, null)).addLastIfExists("hello");
      Steps.expect("hello", consumer.<String>getBlockingQueue(Steps.key(topic, reply)).poll(20, TimeUnit.SECONDS));
      return "getBlockingQueue";
    } finally {
      consumer.shutdown(0, 1, TimeUnit.SECONDS);
    }
  }

  static long commands(RedissonClient c) {
    return Long.parseLong(c.getRedisNodes(RedisNodes.SINGLE).getInstance().info(org.redisson.api.redisnode.RedisNode.InfoSection.STATS).get("total_commands_processed"));
  }

  public static void main(String[] args) {
    Steps.begin(args, "redisson");
    RedissonClient c = connect("main");
    Steps.take("connect", () -> { Steps.expect(true, c.getRedisNodes(RedisNodes.SINGLE).pingAll()); return null; });
    Steps.take("rpushx", () -> { Steps.expect(1, c.getDeque(Steps.key("a", null)).addLastIfExists("hello")); return "getDeque"; });
    Steps.take("pipeline", () -> {
      RBatch batch = c.createBatch();
      for (int n = 0; n < 10; n++) batch.getDeque(Steps.key("pipe", null)).addLastIfExistsAsync("hello");
      Steps.expect(10, batch.execute().getResponses().size());
      return null;
    });
    Steps.take("multi", () -> {
      RBatch batch = c.createBatch(org.redisson.api.BatchOptions.defaults().executionMode(org.redisson.api.BatchOptions.ExecutionMode.REDIS_WRITE_ATOMIC));
      for (int n = 0; n < 10; n++) batch.getDeque(Steps.key("pipe", null)).addLastIfExistsAsync("hello");
      Steps.expect(10, batch.execute().getResponses().size());
      return null;
    });
    Steps.take("blpop", () -> blpop("integers", null));
    Steps.take("strings", () -> blpop("strings", "strings"));
    Steps.take("pair", () -> blpop("pair", "pair"));
    Steps.take("stream", () -> {
      var stream = c.<String, String>getStream(Steps.name + "-stream");
      StreamMessageId id = stream.add(StreamAddArgs.entry("field", "hello"));
      stream.createGroup(StreamCreateGroupArgs.name("g").id(StreamMessageId.ALL));
      var read = stream.readGroup("g", "c", StreamReadGroupArgs.neverDelivered().count(10).timeout(Duration.ofSeconds(1)));
      Steps.expect(true, read.containsKey(id));
      Steps.expect(1L, stream.ack("g", id));
      return null;
    });
    Steps.take("pubsub", () -> {
      CompletableFuture<String> heard = new CompletableFuture<>();
      var topic = c.getTopic(Steps.name + "-channel");
      topic.addListener(String.class, (channel, message) -> heard.complete(message));
      topic.publish("hello");
      Steps.expect("hello", heard.get(10, TimeUnit.SECONDS));
      return null;
    });
    Steps.take("lock", () -> {
      long before = commands(c);
      try {
        c.getLock(Steps.name + "-lock").tryLock(3, 10, TimeUnit.SECONDS);
      } catch (RuntimeException refused) {
        return "refused after " + (commands(c) - before) + " commands: " + refused.getMessage().split("\n")[0];
      }
      throw new IllegalStateException("not refused");
    });
    Steps.take("close", () -> { c.shutdown(0, 1, TimeUnit.SECONDS); return null; });
  }
}
