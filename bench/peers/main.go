// Command peers compares lmz with its neighbours on this machine: a bare WebSocket echo, NATS,
// and NATS over WebSocket. Each server and each load runs in a process of its own. The rounds
// are interleaved, so that a machine that becomes slower does so for all, and the table shows
// the median of each figure.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			check(serve(find(os.Args[2])))
			return
		case "load":
			seconds, err := time.ParseDuration(os.Args[5])
			check(err)
			result, err := findCase(os.Args[3]).run(context.Background(), find(os.Args[2]), os.Args[4], seconds)
			check(err)
			check(json.NewEncoder(os.Stdout).Encode(result))
			return
		}
	}
	rounds := flag.Int("rounds", 3, "how often each figure is measured")
	seconds := flag.Duration("time", 2*time.Second, "how long each measurement takes")
	only := flag.String("case", "", "measure only cases whose name contains this")
	asJSON := flag.Bool("json", false, "print every figure as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	figures, err := measure(ctx, *rounds, *seconds, *only)
	check(err)
	if *asJSON {
		check(json.NewEncoder(os.Stdout).Encode(figures))
		return
	}
	check(writeTable(os.Stdout, figures))
}

// serve runs the server of a system until stdin ends, which it does when the driver ends.
func serve(s system) error {
	dir, err := os.MkdirTemp("", "lmz-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	url, stop, err := s.serve(dir)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Println(url)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// find returns the system of that name.
func find(name string) system {
	for _, s := range systems {
		if s.name == name {
			return s
		}
	}
	log.Fatalf("there is no system %q", name)
	return system{}
}

// findCase returns the case of that name.
func findCase(name string) benchCase {
	for _, c := range cases {
		if c.name == name {
			return c
		}
	}
	log.Fatalf("there is no case %q", name)
	return benchCase{}
}

func check(err error) {
	if err != nil {
		log.Fatalln(strings.Join(os.Args, " ")+":", err)
	}
}
