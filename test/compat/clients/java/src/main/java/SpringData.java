import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.jedis.JedisClientConfiguration;
import org.springframework.data.redis.connection.jedis.JedisConnectionFactory;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.stream.Consumer;
import org.springframework.data.redis.connection.stream.ReadOffset;
import org.springframework.data.redis.connection.stream.StreamOffset;
import org.springframework.data.redis.connection.stream.StreamReadOptions;
import org.springframework.data.redis.core.RedisCallback;
import org.springframework.data.redis.core.SessionCallback;
import org.springframework.data.redis.core.RedisOperations;
import org.springframework.data.redis.core.StringRedisTemplate;

/** Spring Data Redis: SpringData PORT NAME lettuce|jedis. */
final class SpringData {
  static boolean isJedis;

  static RedisConnectionFactory factory(String group) {
    var server = new RedisStandaloneConfiguration("127.0.0.1", Steps.port);
    if (isJedis) {
      var jedis = new JedisConnectionFactory(server, JedisClientConfiguration.builder().clientName(Steps.client(group)).build());
      jedis.afterPropertiesSet();
      jedis.start();
      return jedis;
    }
    var config = LettuceClientConfiguration.builder().clientName(Steps.client(group)).build();
    var factory = new LettuceConnectionFactory(server, config);
    factory.afterPropertiesSet();
    factory.start();
    return factory;
  }

  static void close(RedisConnectionFactory factory) {
    try {
      ((DisposableBean) factory).destroy();
    } catch (Exception broken) {
      throw new IllegalStateException(broken);
    }
  }

  static void start(Runnable run) {
    Thread thread = new Thread(run);
    thread.setDaemon(true);
    thread.start();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** What the connection's bLPop, and leftPop for a pair, make of the reply. A connection consumes one topic. */
  static Object blpop(String topic, String reply) {
    var factory = factory(topic);
    try {
      var consumer = new StringRedisTemplate(factory);
      consumer.opsForList().rightPushIfPresent(Steps.key(topic, null), "hello");
      if ("pair".equals(reply)) {
        Steps.expect("hello", consumer.opsForList().leftPop(Steps.key(topic, reply), Duration.ofSeconds(20)));
        return "leftPop";
      }
      List<byte[]> answer = consumer.execute((RedisCallback<List<byte[]>>) one -> one.listCommands().bLPop(20, bytes(Steps.key(topic, reply))));
      Steps.expect(1L, consumer.opsForList().rightPush("acks", Steps.position(answer)));
      return "bLPop";
    } finally {
      close(factory);
    }
  }

  public static void main(String[] args) {
    Steps.begin(args, "spring-data-redis");
    isJedis = args[2].equals("jedis");
    var factory = factory("main");
    var c = new StringRedisTemplate(factory);
    Steps.take("connect", () -> { Steps.expect("PONG", c.execute((RedisCallback<String>) one -> one.ping())); return null; });
    Steps.take("rpushx", () -> { Steps.expect(1L, c.opsForList().rightPushIfPresent(Steps.key("a", null), "hello")); return null; });
    Steps.take("pipeline", () -> {
      Steps.expect(Steps.ONES, c.executePipelined((RedisCallback<Object>) one -> {
        for (int n = 0; n < 10; n++) one.listCommands().rPushX(bytes(Steps.key("pipe", null)), bytes("hello"));
        return null;
      }));
      return null;
    });
    Steps.take("multi", () -> {
      Steps.expect(Steps.ONES, c.execute(new SessionCallback<List<Object>>() {
        @Override @SuppressWarnings("unchecked")
        public <K, V> List<Object> execute(RedisOperations<K, V> operations) {
          operations.multi();
          for (int n = 0; n < 10; n++) ((StringRedisTemplate) operations).opsForList().rightPushIfPresent(Steps.key("multi", null), "hello");
          return operations.exec();
        }
      }));
      return null;
    });
    Steps.take("blpop", () -> blpop("integers", null));
    Steps.take("strings", () -> blpop("strings", "strings"));
    Steps.take("pair", () -> blpop("pair", "pair"));
    Steps.take("stream", () -> {
      String stream = Steps.name + "-stream";
      var id = c.opsForStream().add(stream, Map.of("field", "hello"));
      c.opsForStream().createGroup(stream, ReadOffset.from("0"), "g");
      var read = c.opsForStream().read(Consumer.from("g", "c"), StreamReadOptions.empty().count(10).block(Duration.ofSeconds(10)), StreamOffset.create(stream, ReadOffset.lastConsumed()));
      Steps.expect(id, read.get(0).getId());
      Steps.expect(1L, c.opsForStream().acknowledge(stream, "g", id));
      return null;
    });
    Steps.take("pubsub", () -> {
      CompletableFuture<String> heard = new CompletableFuture<>();
      var connection = factory.getConnection();
      // With Jedis, subscribe returns when the subscription ends.
      start(() -> connection.subscribe((message, pattern) -> heard.complete(new String(message.getBody())), bytes(Steps.name + "-channel")));
      for (int tries = 0; tries < 100 && !heard.isDone(); tries++) {
        c.convertAndSend(Steps.name + "-channel", "hello");
        Thread.sleep(100);
      }
      Steps.expect("hello", heard.get(10, TimeUnit.SECONDS));
      return null;
    });
    Steps.take("close", () -> { close(factory); return null; });
  }
}
