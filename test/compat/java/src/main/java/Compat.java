// Jedis. java -cp 'target/classes:DEPENDENCIES/*' Compat PORT STREAM produce|consume COUNT [CRASH_AFTER]
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.params.XAutoClaimParams;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.resps.StreamEntry;

public class Compat {
  private static final String GROUP = "g";
  private static int done = 0;

  public static void main(String[] args) {
    String stream = args[1];
    int count = Integer.parseInt(args[3]);
    int crashAfter = args.length > 4 ? Integer.parseInt(args[4]) : 0;
    try (Jedis jedis = new Jedis("127.0.0.1", Integer.parseInt(args[0]), 30_000)) {
      if (args[2].equals("produce")) produce(jedis, stream, count);
      else consume(jedis, stream, crashAfter);
    }
  }

  private static void produce(Jedis jedis, String stream, int count) {
    for (int start = 0; start < count; start += 100) {
      Pipeline pipeline = jedis.pipelined();
      List<Response<StreamEntryID>> ids = new ArrayList<>();
      for (int n = start; n < Math.min(start + 100, count); n++)
        ids.add(pipeline.xadd(stream, Map.of("value", "n" + n), XAddParams.xAddParams()));
      pipeline.sync();
      for (Response<StreamEntryID> id : ids) id.get();
    }
  }

  private static void consume(Jedis jedis, String stream, int crashAfter) {
    try {
      jedis.xgroupCreate(stream, GROUP, new StreamEntryID(0, 0), true);
    } catch (JedisDataException error) {
      if (!error.getMessage().startsWith("BUSYGROUP")) throw error;
    }
    String name = crashAfter > 0 ? "first" : "second";
    XReadGroupParams params = XReadGroupParams.xReadGroupParams().count(100).block(3000);
    for (int quiet = 0; quiet < 3; ) {
      List<StreamEntry> claimed =
          jedis.xautoclaim(stream, GROUP, name, 1000, new StreamEntryID(0, 0), XAutoClaimParams.xAutoClaimParams().count(100)).getValue();
      handle(jedis, stream, claimed, crashAfter);
      List<Map.Entry<String, List<StreamEntry>>> reply =
          jedis.xreadGroup(GROUP, name, params, Map.of(stream, StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY));
      List<StreamEntry> entries = reply == null || reply.isEmpty() ? List.of() : reply.get(0).getValue();
      handle(jedis, stream, entries, crashAfter);
      quiet = entries.isEmpty() && claimed.isEmpty() ? quiet + 1 : 0;
    }
  }

  private static void handle(Jedis jedis, String stream, List<StreamEntry> entries, int crashAfter) {
    for (StreamEntry entry : entries) {
      if (crashAfter > 0 && done >= crashAfter) Runtime.getRuntime().halt(137);
      if (jedis.xack(stream, GROUP, entry.getID()) != 1) continue;
      done++;
      System.out.println("got " + entry.getFields().get("value"));
    }
  }
}
