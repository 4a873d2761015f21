package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A benchCase is what is measured: run returns one figure, in the case's unit.
type benchCase struct {
	name, unit string
	systems    []string
	run        func(ctx context.Context, s system, url string, d time.Duration) (float64, error)
}

var (
	callers = []string{echoName, natsName, natsWSName, workerName, objectName}
	writers = []string{unsyncedName, writeName}
	rooms   = []string{natsWSName, objectName}
)

var cases = []benchCase{
	{"one call after another", "µs", callers, sequential},
	{"64 in flight", "calls/s", callers, parallel(1, 64)},
	{"4 clients, 16 in flight each", "calls/s", callers, parallel(4, 16)},
	{"64 in flight, one object writing", "calls/s", writers, parallel(1, 64)},
	{"one message to 1,000 clients, the last one", "ms", rooms, lastOf(1000)},
	{"messages to 1,000 clients", "deliveries/s", rooms, deliveries(1000)},
}

// warm is how long a load runs before it is measured, as a part of the measured time.
const warm = 4

// sequential returns the mean time of a call.
func sequential(ctx context.Context, s system, url string, d time.Duration) (float64, error) {
	rate, err := parallel(1, 1)(ctx, s, url, d)
	return 1e6 / rate, err
}

// parallel returns a run with so many clients, each with so many calls in flight.
func parallel(clients, inFlight int) func(context.Context, system, string, time.Duration) (float64, error) {
	return func(ctx context.Context, s system, url string, d time.Duration) (float64, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var calls atomic.Int64
		var stopped atomic.Bool
		var load sync.WaitGroup
		for range clients {
			c, err := s.dial(ctx, url)
			if err != nil {
				return 0, err
			}
			defer c.close()
			for range inFlight {
				load.Go(func() {
					request := make([]byte, asked)
					for !stopped.Load() {
						if err := c.call(ctx, request); err != nil {
							cancel(err)
							return
						}
						calls.Add(1)
					}
				})
			}
		}
		time.Sleep(d / warm)
		before, start := calls.Load(), time.Now()
		time.Sleep(d)
		n, took := calls.Load()-before, time.Since(start)
		stopped.Store(true)
		load.Wait()
		return float64(n) / took.Seconds(), context.Cause(ctx)
	}
}

// room connects n clients and has each join. The channel gets a value for each message that
// a client heard.
func room(ctx context.Context, s system, url string, n int, heard func()) (speaker conn, leave func(), err error) {
	var members []conn
	leave = func() {
		var all sync.WaitGroup
		for _, m := range members {
			all.Go(m.close)
		}
		all.Wait()
	}
	for range n {
		c, err := s.dial(ctx, url)
		if err != nil {
			return nil, leave, err
		}
		members = append(members, c)
		if err := c.join(ctx, heard); err != nil {
			return nil, leave, err
		}
	}
	c, err := s.dial(ctx, url)
	if err == nil {
		members = append(members, c)
	}
	return c, leave, err
}

// lastOf returns how long a message takes to the last of n clients: the median over the time.
func lastOf(n int) func(context.Context, system, string, time.Duration) (float64, error) {
	return func(ctx context.Context, s system, url string, d time.Duration) (float64, error) {
		var got atomic.Int64
		last := make(chan struct{}, 1)
		speaker, leave, err := room(ctx, s, url, n, func() {
			if got.Add(1)%int64(n) == 0 {
				last <- struct{}{}
			}
		})
		defer leave()
		if err != nil {
			return 0, err
		}
		var times []float64
		message := make([]byte, asked)
		for begun := time.Now(); time.Since(begun) < d+d/warm; {
			start := time.Now()
			if err := speaker.say(ctx, message); err != nil {
				return 0, err
			}
			select {
			case <-last:
			case <-time.After(30 * time.Second):
				return 0, fmt.Errorf("%d of %d clients heard the message", got.Load()%int64(n), n)
			}
			if start.Sub(begun) > d/warm {
				times = append(times, float64(time.Since(start).Microseconds())/1000)
			}
		}
		return median(times), nil
	}
}

// ahead is how many messages are under way at once in [deliveries].
const ahead = 8

// deliveries returns how many messages a second n clients hear together.
func deliveries(n int) func(context.Context, system, string, time.Duration) (float64, error) {
	return func(ctx context.Context, s system, url string, d time.Duration) (float64, error) {
		var got atomic.Int64
		full := make(chan struct{}, ahead)
		speaker, leave, err := room(ctx, s, url, n, func() {
			if got.Add(1)%int64(n) == 0 {
				<-full
			}
		})
		defer leave()
		if err != nil {
			return 0, err
		}
		message := make([]byte, asked)
		var before int64
		var start time.Time
		for begun := time.Now(); time.Since(begun) < d+d/warm; {
			if start.IsZero() && time.Since(begun) > d/warm {
				before, start = got.Load(), time.Now()
			}
			select {
			case full <- struct{}{}:
			case <-time.After(30 * time.Second):
				return 0, fmt.Errorf("%d messages were heard, then no more", got.Load())
			}
			if err := speaker.say(ctx, message); err != nil {
				return 0, err
			}
		}
		return float64(got.Load()-before) / time.Since(start).Seconds(), nil
	}
}
