// go-redis: goredis PORT NAME
package main

import (
	"context"
	"time"

	"compatclients/steps"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func connect(group string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: steps.Address, ClientName: steps.Client(group)})
}

func values(replies []redis.Cmder, err error) []int64 {
	steps.Must(err)
	answers := []int64{}
	for _, reply := range replies {
		answers = append(answers, reply.(*redis.IntCmd).Val())
	}
	return answers
}

// What the library's own BLPop makes of the reply. A connection consumes one topic: each reply has its own client.
func blpop(topic, reply string) string {
	consumer := connect(topic)
	defer consumer.Close()
	steps.Must(consumer.RPushX(ctx, steps.Key(topic, ""), "hello").Err())
	answer, err := consumer.BLPop(ctx, 20*time.Second, steps.Key(topic, reply)).Result()
	steps.Must(err)
	if reply == "pair" {
		return steps.Expect("hello", answer[1])
	}
	return steps.Expect(1, consumer.RPush(ctx, "acks", steps.Position(answer)).Val())
}

func main() {
	steps.Version("github.com/redis/go-redis/v9")
	c := connect("main")
	ten := func(pipe redis.Pipeliner) error {
		for n := range 10 {
			pipe.RPushX(ctx, steps.Key("pipe", ""), n)
		}
		return nil
	}
	steps.Take("connect", func() string { return steps.Expect("PONG", c.Ping(ctx).Val()) })
	steps.Take("rpushx", func() string { return steps.Expect(1, c.RPushX(ctx, steps.Key("a", ""), "hello").Val()) })
	steps.Take("wait", func() string {
		// A pool: only one connection of it knows what it has produced.
		one := c.Conn()
		defer one.Close()
		steps.Must(one.RPushX(ctx, steps.Key("a", ""), "hello").Err())
		wait := redis.NewIntCmd(ctx, "WAIT", 1, 10000)
		steps.Must(one.Process(ctx, wait))
		steps.Expect(1, wait.Val())
		dump := redis.NewIntCmd(ctx, "DUMP", 10000)
		steps.Must(one.Process(ctx, dump))
		return steps.Expect(0, dump.Val())
	})
	steps.Take("pipeline", func() string { return steps.Expect(steps.Ones, values(c.Pipelined(ctx, ten))) })
	steps.Take("multi", func() string { return steps.Expect(steps.Ones, values(c.TxPipelined(ctx, ten))) })
	steps.Take("blpop", func() string { return blpop("integers", "") })
	steps.Take("strings", func() string { return blpop("strings", "strings") })
	steps.Take("pair", func() string { return blpop("pair", "pair") })
	steps.Take("exactly-once", func() string {
		consumer := connect("in")
		defer consumer.Close()
		steps.Must(consumer.RPushX(ctx, steps.Key("in", ""), "hello").Err())
		answer, err := consumer.BLPop(ctx, 20*time.Second, steps.Key("in", "")).Result()
		steps.Must(err)
		return steps.Expect([]int{1, 1}, values(consumer.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.RPushX(ctx, steps.Key("out", ""), "done")
			pipe.RPush(ctx, "acks", steps.Position(answer))
			return nil
		})))
	})
	steps.Take("stream", func() string {
		stream := steps.Name + "-stream"
		id := c.XAdd(ctx, &redis.XAddArgs{Stream: stream, Values: []string{"field", "hello"}}).Val()
		steps.Must(c.XGroupCreate(ctx, stream, "g", "0").Err())
		args := redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{stream, ">"}, Count: 10, Block: 10 * time.Second}
		read, err := c.XReadGroup(ctx, &args).Result()
		steps.Must(err)
		steps.Expect(id, read[0].Messages[0].ID)
		return steps.Expect(1, c.XAck(ctx, stream, "g", id).Val())
	})
	steps.Take("pubsub", func() string {
		listener := c.Subscribe(ctx, steps.Name+"-channel")
		defer listener.Close()
		_, err := listener.Receive(ctx)
		steps.Must(err)
		steps.Must(c.Publish(ctx, steps.Name+"-channel", "hello").Err())
		select {
		case message := <-listener.Channel():
			return steps.Expect("hello", message.Payload)
		case <-time.After(10 * time.Second):
			panic("nothing heard")
		}
	})
	steps.Take("reconnect", func() string {
		steps.Must(c.Do(ctx, "CLIENT", "KILL", "ID", c.ClientID(ctx).Val(), "SKIPME", "no").Err())
		return steps.AnswersAgain(func() error { return c.Ping(ctx).Err() })
	})
	steps.Take("close", func() string { steps.Must(c.Close()); return "" })
}
