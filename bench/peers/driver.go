package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A figure is the result of one system in one case, in each round.
type figure struct {
	Case, System, Unit string
	Rounds             []float64
}

// measure runs every case with every system that has it, in rounds.
func measure(ctx context.Context, rounds int, seconds time.Duration, only string) ([]*figure, error) {
	var figures []*figure
	byName := map[string]*figure{}
	for round := range rounds {
		for _, c := range cases {
			if !strings.Contains(c.name, only) {
				continue
			}
			for _, name := range c.systems {
				fmt.Fprintf(os.Stderr, "round %d of %d: %s, %s\n", round+1, rounds, c.name, name)
				value, err := once(ctx, c, name, seconds)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", c.name, name, err)
				}
				key := c.name + "\x00" + name
				if byName[key] == nil {
					byName[key] = &figure{Case: c.name, System: name, Unit: c.unit}
					figures = append(figures, byName[key])
				}
				byName[key].Rounds = append(byName[key].Rounds, value)
			}
		}
	}
	return figures, nil
}

// once starts a server and a load, each in a process of its own, and returns the load's figure.
func once(ctx context.Context, c benchCase, system string, seconds time.Duration) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	server := exec.CommandContext(ctx, self, "serve", system)
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer server.Wait()
	defer stdin.Close()
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("the server did not start: %w", err)
	}
	load := exec.CommandContext(ctx, self, "load", system, c.name, strings.TrimSpace(url), seconds.String())
	load.Stderr = os.Stderr
	out, err := load.Output()
	if err != nil {
		return 0, err
	}
	var result float64
	return result, json.Unmarshal(out, &result)
}
