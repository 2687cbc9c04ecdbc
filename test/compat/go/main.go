// Watermill's Redis streams. go run . PORT STREAM produce|consume COUNT [CRASH_AFTER]
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-redisstream/pkg/redisstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/redis/go-redis/v9"
)

func main() {
	port, stream, mode := os.Args[1], os.Args[2], os.Args[3]
	count, _ := strconv.Atoi(os.Args[4])
	crashAfter := 0
	if len(os.Args) > 5 {
		crashAfter, _ = strconv.Atoi(os.Args[5])
	}
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port})
	log := watermill.NopLogger{}
	if mode == "produce" {
		publisher, err := redisstream.NewPublisher(redisstream.PublisherConfig{Client: client}, log)
		check(err)
		for start := 0; start < count; start += 100 {
			var batch []*message.Message
			for n := start; n < start+100 && n < count; n++ {
				batch = append(batch, message.NewMessage(watermill.NewUUID(), []byte(fmt.Sprintf("n%d", n))))
			}
			check(publisher.Publish(stream, batch...))
		}
		return
	}
	name := "second"
	if crashAfter > 0 {
		name = "first"
	}
	subscriber, err := redisstream.NewSubscriber(redisstream.SubscriberConfig{
		Client: client, ConsumerGroup: "g", Consumer: name, OldestId: "0",
		ClaimInterval: time.Second, MaxIdleTime: 2 * time.Second,
	}, log)
	check(err)
	messages, err := subscriber.Subscribe(context.Background(), stream)
	check(err)
	done := 0
	for {
		select {
		case msg := <-messages:
			if crashAfter > 0 && done >= crashAfter {
				check(syscall.Kill(os.Getpid(), syscall.SIGKILL))
				select {}
			}
			fmt.Println("got", string(msg.Payload))
			msg.Ack()
			done++
		case <-time.After(12 * time.Second):
			return
		}
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
