// rueidis: rueidis PORT NAME
package main

import (
	"context"
	"time"

	"compatclients/steps"

	"github.com/redis/rueidis"
)

var ctx = context.Background()

func connect(group string) rueidis.Client {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{steps.Address}, ClientName: steps.Client(group)})
	steps.Must(err)
	return client
}

func number(result rueidis.RedisResult) int64 {
	value, err := result.AsInt64()
	steps.Must(err)
	return value
}

// What AsStrSlice makes of the reply. A connection consumes one topic: each reply has its own client.
func blpop(topic, reply string) string {
	consumer := connect(topic)
	defer consumer.Close()
	number(push(consumer, steps.Key(topic, ""), "hello"))
	answer, err := consumer.Do(ctx, consumer.B().Blpop().Key(steps.Key(topic, reply)).Timeout(20).Build()).AsStrSlice()
	steps.Must(err)
	if reply == "pair" {
		return steps.Expect("hello", answer[1])
	}
	return steps.Expect(1, number(consumer.Do(ctx, consumer.B().Rpush().Key("acks").Element(steps.Position(answer)).Build())))
}

func push(c rueidis.Client, key, value string) rueidis.RedisResult {
	return c.Do(ctx, c.B().Rpushx().Key(key).Element(value).Build())
}

func ten(c rueidis.Client) []rueidis.Completed {
	commands := []rueidis.Completed{}
	for range 10 {
		commands = append(commands, c.B().Rpushx().Key(steps.Key("pipe", "")).Element("hello").Build())
	}
	return commands
}

func main() {
	steps.Version("github.com/redis/rueidis")
	c := connect("main")
	steps.Take("connect", func() string {
		text, err := c.Do(ctx, c.B().Ping().Build()).ToString()
		steps.Must(err)
		return steps.Expect("PONG", text)
	})
	steps.Take("rpushx", func() string { return steps.Expect(1, number(push(c, steps.Key("a", ""), "hello"))) })
	steps.Take("wait", func() string {
		steps.Must(c.Dedicated(func(one rueidis.DedicatedClient) error {
			number(one.Do(ctx, one.B().Rpushx().Key(steps.Key("a", "")).Element("hello").Build()))
			steps.Expect(1, number(one.Do(ctx, one.B().Wait().Numreplicas(1).Timeout(10000).Build())))
			steps.Expect(0, number(one.Do(ctx, one.B().Arbitrary("DUMP").Args("10000").Build())))
			return nil
		}))
		return ""
	})
	steps.Take("pipeline", func() string {
		for _, result := range c.DoMulti(ctx, ten(c)...) {
			steps.Expect(1, number(result))
		}
		return ""
	})
	steps.Take("multi", func() string {
		results := []rueidis.RedisResult{}
		steps.Must(c.Dedicated(func(one rueidis.DedicatedClient) error {
			results = one.DoMulti(ctx, append(append([]rueidis.Completed{one.B().Multi().Build()}, ten(c)...), one.B().Exec().Build())...)
			return nil
		}))
		answers, err := results[11].AsIntSlice()
		steps.Must(err)
		return steps.Expect(steps.Ones, answers)
	})
	steps.Take("blpop", func() string { return blpop("integers", "") })
	steps.Take("strings", func() string { return blpop("strings", "strings") })
	steps.Take("pair", func() string { return blpop("pair", "pair") })
	steps.Take("exactly-once", func() string {
		consumer := connect("in")
		defer consumer.Close()
		number(push(consumer, steps.Key("in", ""), "hello"))
		b := consumer.B()
		answer, err := consumer.Do(ctx, b.Blpop().Key(steps.Key("in", "strings")).Timeout(20).Build()).AsStrSlice()
		steps.Must(err)
		results := consumer.DoMulti(ctx, b.Multi().Build(), b.Rpushx().Key(steps.Key("out", "")).Element("done").Build(),
			b.Rpush().Key("acks").Element(steps.Position(answer)).Build(), b.Exec().Build())
		answers, err := results[3].AsIntSlice()
		steps.Must(err)
		return steps.Expect([]int{1, 1}, answers)
	})
	steps.Take("stream", func() string {
		stream := steps.Name + "-stream"
		id, err := c.Do(ctx, c.B().Xadd().Key(stream).Id("*").FieldValue().FieldValue("field", "hello").Build()).ToString()
		steps.Must(err)
		steps.Must(c.Do(ctx, c.B().XgroupCreate().Key(stream).Group("g").Id("0").Build()).Error())
		read, err := c.Do(ctx, c.B().Xreadgroup().Group("g", "c").Count(10).Block(10000).Streams().Key(stream).Id(">").Build()).AsXRead()
		steps.Must(err)
		steps.Expect(id, read[stream][0].ID)
		return steps.Expect(1, number(c.Do(ctx, c.B().Xack().Key(stream).Group("g").Id(id).Build())))
	})
	steps.Take("pubsub", func() string {
		heard, isListening := make(chan string, 1), make(chan bool, 1)
		listening, stop := context.WithTimeout(rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { isListening <- true }), 10*time.Second)
		defer stop()
		go c.Receive(listening, c.B().Subscribe().Channel(steps.Name+"-channel").Build(), func(message rueidis.PubSubMessage) { heard <- message.Message })
		<-isListening
		steps.Must(c.Do(ctx, c.B().Publish().Channel(steps.Name+"-channel").Message("hello").Build()).Error())
		select {
		case message := <-heard:
			return steps.Expect("hello", message)
		case <-listening.Done():
			panic("nothing heard")
		}
	})
	steps.Take("reconnect", func() string {
		id := number(c.Do(ctx, c.B().ClientId().Build()))
		steps.Must(c.Do(ctx, c.B().ClientKill().Id(id).SkipmeNo().Build()).Error())
		return steps.AnswersAgain(func() error { return c.Do(ctx, c.B().Ping().Build()).Error() })
	})
	steps.Take("close", func() string { c.Close(); return "" })
}
