//! fred: fred_rs PORT NAME
use compat_clients::{client, expect, key, name, port, report, Step};
use fred::prelude::*;
use fred::types::{CustomCommand, ClusterHash};
use std::time::Duration;

/// Rafka's eight elements as a tuple, with partition and offset as numbers.
type Reply = (String, String, String, i64, String, i64, String, String);

async fn connect(group: &str) -> Result<Client, Error> {
    let config = Config::from_url(&format!("redis://127.0.0.1:{}", port()))?;
    let connection = Builder::from_config(config).build()?;
    connection.init().await?;
    connection.client_setname(client(group)).await?;
    Ok(connection)
}

async fn blpop(topic: &str, reply: &str) -> Step {
    let consumer = connect(topic).await?;
    consumer.rpushx::<i64, _, _>(key(topic, ""), "hello").await?;
    if reply == "pair" {
        let answer: (String, String) = consumer.blpop(key(topic, reply), 20.0).await?;
        return expect("hello", answer.1);
    }
    let answer: Reply = consumer.blpop(key(topic, reply), 20.0).await?;
    expect("hello", &answer.7)?;
    expect(1, consumer.rpush::<i64, _, _>("acks", format!("{}:{}:{}", answer.1, answer.3, answer.5)).await?)
}

async fn wait(c: &Client) -> Step {
    c.rpushx::<i64, _, _>(key("a", ""), "hello").await?;
    expect(1, c.wait::<i64>(1, 10_000).await?)?;
    let dump = CustomCommand::new("DUMP", ClusterHash::FirstKey, false);
    expect(0, c.custom::<i64, _>(dump, vec![10_000]).await?)
}

async fn pipeline(c: &Client) -> Step {
    let pipe = c.pipeline();
    for _ in 0..10 {
        pipe.rpushx::<(), _, _>(key("pipe", ""), "hello").await?;
    }
    expect(10, pipe.all::<Vec<i64>>().await?.iter().sum::<i64>())
}

async fn multi(c: &Client) -> Step {
    let multi = c.multi();
    for _ in 0..10 {
        multi.rpushx::<(), _, _>(key("multi", ""), "hello").await?;
    }
    expect(10, multi.exec::<Vec<i64>>(true).await?.iter().sum::<i64>())
}

async fn exactly_once() -> Step {
    let consumer = connect("in").await?;
    consumer.rpushx::<i64, _, _>(key("in", ""), "hello").await?;
    let answer: Reply = consumer.blpop(key("in", ""), 20.0).await?;
    let multi = consumer.multi();
    multi.rpushx::<(), _, _>(key("out", ""), "done").await?;
    multi.rpush::<(), _, _>("acks", format!("{}:{}:{}", answer.1, answer.3, answer.5)).await?;
    expect(2, multi.exec::<Vec<i64>>(true).await?.iter().sum::<i64>())
}

async fn stream(c: &Client) -> Step {
    let stream = format!("{}-stream", name());
    let id: String = c.xadd(&stream, false, None::<()>, "*", ("field", "hello")).await?;
    c.xgroup_create::<(), _, _, _>(&stream, "g", "0", false).await?;
    let read: Value = c.xreadgroup("g", "c", Some(10), Some(10_000), false, &stream, ">").await?;
    expect(true, format!("{read:?}").contains(&id))?;
    expect(1, c.xack::<i64, _, _, _>(&stream, "g", &id).await?)
}

async fn pubsub(c: &Client) -> Step {
    let listener = Builder::from_config(Config::from_url(&format!("redis://127.0.0.1:{}", port()))?).build_subscriber_client()?;
    listener.init().await?;
    let mut heard = listener.message_rx();
    let channel = format!("{}-channel", name());
    listener.subscribe(&channel).await?;
    c.publish::<i64, _, _>(&channel, "hello").await?;
    let message = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await??;
    expect("hello", message.value.as_string().unwrap_or_default())
}

#[tokio::main]
async fn main() {
    println!("version 10.1.0");
    let c = connect("main").await.unwrap();
    report("connect", async { expect("PONG", c.ping::<String>(None).await?) }.await);
    report("rpushx", async { expect(1, c.rpushx::<i64, _, _>(key("a", ""), "hello").await?) }.await);
    report("wait", wait(&c).await);
    report("pipeline", pipeline(&c).await);
    report("multi", multi(&c).await);
    report("blpop", blpop("integers", "").await);
    report("strings", blpop("strings", "strings").await);
    report("pair", blpop("pair", "pair").await);
    report("exactly-once", exactly_once().await);
    report("stream", stream(&c).await);
    report("pubsub", pubsub(&c).await);
    report("close", async { c.quit().await?; Ok(String::new()) }.await);
}
