// go-redis as it reconnects in silence: reconnects PORT NAME PASSWORD queued|delivered, until stdin ends.
// Prints `in ID` for what RPUSHX has answered as delivered, `batch N ID ...` for what a DUMP spoke for, `error TEXT` for the rest.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const batch = 30

var ctx = context.Background()

// What the library gave up is tried again: an id is answered in the end.
func insist(run func() (int64, error)) int64 {
	for {
		answer, err := run()
		if err == nil {
			return answer
		}
		fmt.Println("error", strings.Split(err.Error(), "\n")[0])
		time.Sleep(50 * time.Millisecond)
	}
}

func main() {
	port, name, password, mode := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, Username: name, Password: password})
	var stopping atomic.Bool
	go func() {
		_, _ = io.ReadAll(os.Stdin)
		stopping.Store(true)
	}()
	for number := 0; !stopping.Load(); {
		ids := []string{}
		for len(ids) < batch {
			number++
			id := fmt.Sprintf("%s-%d", name, number)
			ids = append(ids, id)
			insist(func() (int64, error) { return client.RPushX(ctx, "topics:reconnects", id).Result() })
			if mode == "delivered" {
				fmt.Println("in", id)
			}
		}
		if mode == "queued" {
			left := insist(func() (int64, error) { return client.Do(ctx, "dump", 10_000).Int64() })
			fmt.Println("batch", left, strings.Join(ids, " "))
		}
		time.Sleep(20 * time.Millisecond)
	}
}
