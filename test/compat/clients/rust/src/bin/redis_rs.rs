//! redis-rs: redis_rs PORT NAME
use compat_clients::{client, expect, key, name, port, report, Step};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{cmd, pipe, Client, Commands, Connection, RedisResult};

/// Rafka's eight elements as a tuple, with partition and offset as numbers.
type Reply = (String, String, String, i64, String, i64, String, String);

fn connect(group: &str) -> RedisResult<Connection> {
    let mut connection = Client::open(format!("redis://127.0.0.1:{}/", port()))?.get_connection()?;
    cmd("CLIENT").arg("SETNAME").arg(client(group)).exec(&mut connection)?;
    Ok(connection)
}

/// What a tuple makes of the reply. A connection consumes one topic: each reply has its own client.
fn blpop(topic: &str, reply: &str) -> Step {
    let mut consumer = connect(topic)?;
    let _: i64 = consumer.rpush_exists(key(topic, ""), "hello")?;
    if reply == "pair" {
        let answer: (String, String) = consumer.blpop(key(topic, reply), 20.0)?;
        return expect("hello", answer.1);
    }
    let answer: Reply = consumer.blpop(key(topic, reply), 20.0)?;
    expect("hello", &answer.7)?;
    expect(1, consumer.rpush::<_, _, i64>("acks", format!("{}:{}:{}", answer.1, answer.3, answer.5))?)
}

fn wait(c: &mut Connection) -> Step {
    let _: i64 = c.rpush_exists(key("a", ""), "hello")?;
    expect(1, cmd("WAIT").arg(1).arg(10_000).query::<i64>(c)?)?;
    expect(0, cmd("DUMP").arg(10_000).query::<i64>(c)?)
}

fn piped(c: &mut Connection, is_atomic: bool) -> Step {
    let mut commands = pipe();
    if is_atomic {
        commands.atomic();
    }
    for n in 0..10 {
        commands.cmd("RPUSHX").arg(key("pipe", "")).arg(n);
    }
    expect(10, commands.query::<Vec<i64>>(c)?.iter().sum::<i64>())
}

fn exactly_once() -> Step {
    let mut consumer = connect("in")?;
    let _: i64 = consumer.rpush_exists(key("in", ""), "hello")?;
    let answer: Reply = consumer.blpop(key("in", ""), 20.0)?;
    let mut commands = pipe();
    commands.atomic().cmd("RPUSHX").arg(key("out", "")).arg("done");
    commands.cmd("RPUSH").arg("acks").arg(format!("{}:{}:{}", answer.1, answer.3, answer.5));
    expect(2, commands.query::<Vec<i64>>(&mut consumer)?.iter().sum::<i64>())
}

fn stream(c: &mut Connection) -> Step {
    let stream = format!("{}-stream", name());
    let id: String = c.xadd(&stream, "*", &[("field", "hello")])?;
    let _: () = c.xgroup_create(&stream, "g", "0")?;
    let options = StreamReadOptions::default().group("g", "c").count(10).block(10_000);
    let read: StreamReadReply = c.xread_options(&[&stream], &[">"], &options)?;
    expect(&id, &read.keys[0].ids[0].id)?;
    expect(1, c.xack::<_, _, _, i64>(&stream, "g", &[&id])?)
}

fn pubsub(c: &mut Connection) -> Step {
    let mut connection = connect("listener")?;
    connection.set_read_timeout(Some(std::time::Duration::from_secs(10)))?;
    let mut listener = connection.as_pubsub();
    let channel = format!("{}-channel", name());
    listener.subscribe(&channel)?;
    let _: i64 = c.publish(&channel, "hello")?;
    expect("hello", listener.get_message()?.get_payload::<String>()?)
}

fn main() {
    println!("version 1.8.1");
    let mut c = connect("main").unwrap();
    report("connect", (|| expect("PONG", cmd("PING").query::<String>(&mut c)?))());
    report("rpushx", (|| expect(1, c.rpush_exists::<_, _, i64>(key("a", ""), "hello")?))());
    report("wait", wait(&mut c));
    report("pipeline", piped(&mut c, false));
    report("multi", piped(&mut c, true));
    report("blpop", blpop("integers", ""));
    report("strings", blpop("strings", "strings"));
    report("pair", blpop("pair", "pair"));
    report("exactly-once", exactly_once());
    report("stream", stream(&mut c));
    report("pubsub", pubsub(&mut c));
    report("close", Ok(String::new()));
}
