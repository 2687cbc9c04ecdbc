import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The steps that every program takes, and how it reports them: {@code ok STEP detail} or {@code no STEP reason}. */
final class Steps {
  static int port;
  static String name;
  static final List<Long> ONES = List.of(1L, 1L, 1L, 1L, 1L, 1L, 1L, 1L, 1L, 1L);

  /** @param artifact whose version, from its jar's name, is printed */
  static void begin(String[] args, String artifact) {
    port = Integer.parseInt(args[0]);
    name = args[1];
    Matcher jar = Pattern.compile("/" + artifact + "-(\\d[^:]*)\\.jar").matcher(System.getProperty("java.class.path"));
    System.out.println("version " + (jar.find() ? jar.group(1) : "unknown"));
  }

  /** The key of a topic of this program, with the shape of its reply (null: integers). */
  static String key(String topic, String reply) {
    return "topics:" + name + "-" + topic + (reply == null ? "" : ":{\"rafka.reply\":\"" + reply + "\"}");
  }

  static String client(String group) {
    return name + "-" + group + ":c";
  }

  static String text(Object value) {
    return value instanceof byte[] bytes ? new String(bytes) : String.valueOf(value);
  }

  static void expect(Object wanted, Object got) {
    if (!Objects.equals(wanted, got)) throw new IllegalStateException("got " + got + " for " + wanted);
  }

  /** {@code topic:partition:offset} of Rafka's eight elements, as RPUSH acks wants it. */
  static String position(List<?> reply) {
    if (reply == null || reply.size() != 8 || !text(reply.get(7)).equals("hello")) throw new IllegalStateException("got " + reply);
    return text(reply.get(1)) + ":" + text(reply.get(3)) + ":" + text(reply.get(5));
  }

  static void take(String step, Callable<?> run) {
    try {
      Object detail = run.call();
      System.out.println(("ok " + step + " " + (detail instanceof String ? detail : "")).trim());
    } catch (Throwable error) {
      System.out.println("no " + step + " " + error.toString().split("\n")[0]);
    }
  }

  /** Tries until it answers; its connection was killed before. */
  static String answersAgain(Callable<?> ping) throws Exception {
    for (int errors = 0; errors < 20; errors++) {
      try {
        ping.call();
        return errors + " errors";
      } catch (RuntimeException broken) {
        Thread.sleep(50);
      }
    }
    throw new IllegalStateException("stays disconnected");
  }
}
