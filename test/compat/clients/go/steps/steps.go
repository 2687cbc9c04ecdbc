// Package steps has the steps that every program takes, and how it reports them: `ok STEP detail` or `no STEP reason`.
package steps

import (
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// Address of the gateway, and the NAME that makes this run's topics its own.
var Address, Name = "127.0.0.1:" + os.Args[1], os.Args[2]

// Key of a topic of this program, with the shape of its reply ("": integers).
func Key(topic, reply string) string {
	if reply != "" {
		reply = `:{"rafka.reply":"` + reply + `"}`
	}
	return "topics:" + Name + "-" + topic + reply
}

// Client is the name of the connection that consumes for a step.
func Client(group string) string { return Name + "-" + group + ":c" }

// Version prints the version of a module.
func Version(module string) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == module {
				fmt.Println("version", strings.TrimPrefix(dep.Version, "v"))
			}
		}
	}
}

// Take runs a step.
func Take(step string, run func() string) {
	defer func() {
		if why := recover(); why != nil {
			fmt.Println("no", step, strings.Split(fmt.Sprint(why), "\n")[0])
		}
	}()
	fmt.Println(strings.TrimSpace("ok " + step + " " + run()))
}

// Must panics with an error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Expect panics when the two do not print the same.
func Expect(wanted, got any) string {
	if fmt.Sprint(wanted) != fmt.Sprint(got) {
		panic(fmt.Sprintf("got %v for %v", got, wanted))
	}
	return ""
}

// Position is `topic:partition:offset` of Rafka's eight elements, as RPUSH acks wants it.
func Position[T any](reply []T) string {
	text := make([]string, len(reply))
	for at, value := range reply {
		if bytes, ok := any(value).([]byte); ok {
			text[at] = string(bytes)
		} else {
			text[at] = fmt.Sprint(value)
		}
	}
	if len(text) != 8 || text[7] != "hello" {
		panic(fmt.Sprintf("got %v", text))
	}
	return text[1] + ":" + text[3] + ":" + text[5]
}

// AnswersAgain tries until it answers; its connection was killed before.
func AnswersAgain(ping func() error) string {
	for errors := 0; errors < 20; errors++ {
		if ping() == nil {
			return fmt.Sprint(errors, " errors")
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic("stays disconnected")
}

// Ones is what ten RPUSHX answer.
var Ones = []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
