// redigo: redigo PORT NAME
package main

import (
	"time"

	"compatclients/steps"

	"github.com/gomodule/redigo/redis"
)

func connect(group string) redis.Conn {
	client, err := redis.Dial("tcp", steps.Address, redis.DialClientName(steps.Client(group)))
	steps.Must(err)
	return client
}

func number(c redis.Conn, command string, args ...any) int {
	value, err := redis.Int(c.Do(command, args...))
	steps.Must(err)
	return value
}

// What redis.Strings makes of the reply. A connection consumes one topic: each reply has its own client.
func blpop(topic, reply string) string {
	consumer := connect(topic)
	defer consumer.Close()
	number(consumer, "RPUSHX", steps.Key(topic, ""), "hello")
	answer, err := redis.Strings(consumer.Do("BLPOP", steps.Key(topic, reply), 20))
	steps.Must(err)
	if reply == "pair" {
		return steps.Expect("hello", answer[1])
	}
	return steps.Expect(1, number(consumer, "RPUSH", "acks", steps.Position(answer)))
}

// What a pipeline answers.
func flushed(c redis.Conn) []any {
	answers, err := redis.Values(c.Do(""))
	steps.Must(err)
	return answers
}

func main() {
	steps.Version("github.com/gomodule/redigo")
	c := connect("main")
	send := func() {
		for n := range 10 {
			steps.Must(c.Send("RPUSHX", steps.Key("pipe", ""), n))
		}
	}
	steps.Take("connect", func() string {
		text, err := redis.String(c.Do("PING"))
		steps.Must(err)
		return steps.Expect("PONG", text)
	})
	steps.Take("rpushx", func() string { return steps.Expect(1, number(c, "RPUSHX", steps.Key("a", ""), "hello")) })
	steps.Take("wait", func() string {
		number(c, "RPUSHX", steps.Key("a", ""), "hello")
		steps.Expect(1, number(c, "WAIT", 1, 10000))
		return steps.Expect(0, number(c, "DUMP", 10000))
	})
	steps.Take("pipeline", func() string { send(); return steps.Expect(steps.Ones, flushed(c)) })
	steps.Take("multi", func() string {
		steps.Must(c.Send("MULTI"))
		send()
		answers, err := redis.Ints(c.Do("EXEC"))
		steps.Must(err)
		return steps.Expect(steps.Ones, answers)
	})
	steps.Take("blpop", func() string { return blpop("integers", "") })
	steps.Take("strings", func() string { return blpop("strings", "strings") })
	steps.Take("pair", func() string { return blpop("pair", "pair") })
	steps.Take("exactly-once", func() string {
		consumer := connect("in")
		defer consumer.Close()
		number(consumer, "RPUSHX", steps.Key("in", ""), "hello")
		answer, err := redis.Strings(consumer.Do("BLPOP", steps.Key("in", "strings"), 20))
		steps.Must(err)
		steps.Must(consumer.Send("MULTI"))
		steps.Must(consumer.Send("RPUSHX", steps.Key("out", ""), "done"))
		steps.Must(consumer.Send("RPUSH", "acks", steps.Position(answer)))
		answers, err := redis.Ints(consumer.Do("EXEC"))
		steps.Must(err)
		return steps.Expect([]int{1, 1}, answers)
	})
	steps.Take("stream", func() string {
		stream := steps.Name + "-stream"
		id, err := redis.String(c.Do("XADD", stream, "*", "field", "hello"))
		steps.Must(err)
		_, err = c.Do("XGROUP", "CREATE", stream, "g", "0")
		steps.Must(err)
		read, err := redis.Values(c.Do("XREADGROUP", "GROUP", "g", "c", "COUNT", 10, "BLOCK", 10000, "STREAMS", stream, ">"))
		steps.Must(err)
		entry := read[0].([]any)[1].([]any)[0].([]any)
		steps.Expect(id, string(entry[0].([]byte)))
		return steps.Expect(1, number(c, "XACK", stream, "g", id))
	})
	steps.Take("pubsub", func() string {
		listener := redis.PubSubConn{Conn: connect("listener")}
		defer listener.Close()
		steps.Must(listener.Subscribe(steps.Name + "-channel"))
		for {
			switch message := listener.ReceiveWithTimeout(10 * time.Second).(type) {
			case redis.Subscription:
				number(c, "PUBLISH", steps.Name+"-channel", "hello")
			case redis.Message:
				return steps.Expect("hello", string(message.Data))
			case error:
				panic(message)
			}
		}
	})
	steps.Take("reconnect", func() string {
		pool := redis.Pool{MaxIdle: 1, Dial: func() (redis.Conn, error) { return redis.Dial("tcp", steps.Address) }}
		one := pool.Get()
		number(one, "CLIENT", "KILL", "ID", number(one, "CLIENT", "ID"), "SKIPME", "no")
		one.Close()
		return "Pool, " + steps.AnswersAgain(func() error {
			one := pool.Get()
			defer one.Close()
			_, err := one.Do("PING")
			return err
		})
	})
	steps.Take("close", func() string { steps.Must(c.Close()); return "" })
}
