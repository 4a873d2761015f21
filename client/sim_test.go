package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/session"
)

// This is the part of the simulator (internal/sim) that runs on every platform of the client,
// including GOOS=js: random schedules of calls and faults for a client and the gateway's
// session machine, checked by oracles.

// sim is one schedule and its recorded results.
type sim struct {
	*loop
	t      *testing.T
	random *rand.Rand
	peer   *client.Peer
	made   []*simCall

	// guarded by loop.mu
	pauses   *rand.Rand                    // durations of the callee's methods
	log      []string                      // what the callee executed, in order
	outcomes map[proto.CallID]proto.Answer // kept by the callee, as by objects
	begun    []proto.SessionID

	mu         sync.Mutex // guards the following fields
	subscribed int        // how often OnSubscriptionRequired ran
	heard      []string   // calls of the mesh that the client executed
}

// simCall is a call of the client and its outcome.
type simCall struct {
	tag     string
	made    time.Time
	lasts   time.Duration
	settled time.Time // zero if not yet
	err     error
}

func TestRandomSchedulesOfOneClient(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSim(t, seed).run() })
		})
	}
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, random: rand.New(rand.NewPCG(seed, 0)), pauses: rand.New(rand.NewPCG(seed, 2)), outcomes: make(map[proto.CallID]proto.Answer)}
	s.loop = newLoop(t, s.execute)
	mux := new(lmz.Mux)
	lmz.Method1[string, string]("hear").Expose(mux, lmz.Anyone, func(_ context.Context, tag string) (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.heard = append(s.heard, tag)
		return tag, nil
	})
	jitter := rand.New(rand.NewPCG(seed, 1))
	s.peer = s.loop.peer(func(o *client.Options) {
		o.Handler, o.OnBeforeCall, o.Random, o.Heartbeat = mux, lmz.Anyone, jitter.Float64, 4*time.Second
		o.OnSubscriptionRequired = func(context.Context) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.subscribed++
		}
	})
	return s
}

// execute is the callee: it executes each call once, and answers it after a pause. loop.mu is
// held.
func (s *sim) execute(f proto.Frame) (proto.Answer, bool) {
	if n := len(s.begun); n == 0 || s.begun[n-1] != s.session.ID {
		s.begun = append(s.begun, s.session.ID)
	}
	id := proto.CallID{Session: s.session.ID, Number: f.Seq}
	if f.Again != (proto.CallID{}) {
		id = f.Again
	}
	answer, known := s.outcomes[id]
	if !known {
		s.log = append(s.log, string(f.Payload))
		answer = proto.NewAnswer("done", nil)
		s.outcomes[id] = answer
	}
	current, number, after := s.session, f.Seq, time.Duration(s.pauses.Int64N(int64(3*time.Second)))
	s.work.Go(func() {
		time.Sleep(after)
		s.loop.mu.Lock()
		defer s.loop.mu.Unlock()
		if s.session == current {
			s.do(current.Answer(number, answer))
		}
	})
	return proto.Answer{}, false
}

// run runs the schedule and checks the oracles.
func (s *sim) run() {
	start, length := time.Now(), 40*time.Second
	go s.peer.Connect(context.Background())
	var hear []chan proto.Answer
	for time.Since(start) < length {
		time.Sleep(time.Duration(s.random.Int64N(int64(2 * time.Second))))
		switch s.random.IntN(8) {
		case 0:
			s.fault()
		case 1:
			s.loop.mu.Lock()
			ready := s.session != nil
			s.loop.mu.Unlock()
			if ready {
				tag := fmt.Sprintf("h%03d", len(hear))
				hear = append(hear, s.loop.call(uint64(len(hear)+1), lmz.Identity{Type: lmz.TypeObject, Address: lmz.At("B", "i")}, lmz.Ctn("hear", tag)))
			}
		default:
			s.call()
		}
		synctest.Wait()
	}
	s.heal()
	time.Sleep(90 * time.Second) // the longest call, the longest delay before a dial
	synctest.Wait()
	s.judge(hear)
	s.end(s.peer)
}

// call makes a call of the client.
func (s *sim) call() {
	c := &simCall{tag: fmt.Sprintf("c%03d", len(s.made)), made: time.Now(), lasts: time.Minute}
	if s.random.IntN(5) == 0 {
		c.lasts = time.Second + time.Duration(s.random.Int64N(int64(9*time.Second)))
	}
	s.made = append(s.made, c)
	ctx, cancel := context.WithTimeout(context.Background(), c.lasts)
	s.peer.CallEncoded(ctx, lmz.At("LEDGER", "0"), nil, []byte(c.tag), func(failed lmz.Code, payload []byte) {
		defer cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		c.settled = time.Now()
		_, c.err = proto.Answer{Failed: failed, Payload: payload}.Result()
	})
}

// fault injects a random fault.
func (s *sim) fault() {
	lasts := time.Duration(s.random.Int64N(int64(8 * time.Second)))
	switch s.random.IntN(4) {
	case 0, 1:
		s.cut()
		time.AfterFunc(lasts, s.heal)
	case 2:
		s.stall()
	case 3:
		s.kill()
	}
}

// stall makes the current socket half-open.
func (g *loop) stall() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.socket != nil {
		g.socket.in.dead.Store(true)
		g.socket.out.dead.Store(true)
	}
}

// kill restarts the gateway, which forgets the session.
func (g *loop) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.link != nil {
		g.link.Close(proto.CloseGoingAway, "killed")
	}
	g.seat, g.session, g.link = session.Seat{}, nil, nil
}

func (s *sim) judge(hear []chan proto.Answer) {
	s.loop.mu.Lock()
	defer s.loop.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	count := make(map[string]int)
	for _, tag := range s.log {
		count[tag]++
	}
	for _, c := range s.made {
		late := !c.settled.Before(c.made.Add(c.lasts - 2*time.Millisecond))
		unknown, refused := errors.Is(c.err, lmz.ErrOutcomeUnknown), errors.Is(c.err, lmz.ErrNotExecuted)
		switch n := count[c.tag]; {
		case c.settled.IsZero() || c.settled.After(c.made.Add(c.lasts+time.Millisecond)):
			s.t.Errorf("%s did not settle in time", c.tag)
		case n > 1 || c.err == nil && n != 1 || refused && n != 0:
			s.t.Errorf("%s was executed %d times: %v", c.tag, n, c.err)
		case c.err != nil && !late, c.err != nil && !unknown && !refused:
			s.t.Errorf("%s should be done: %v", c.tag, c.err)
		}
	}
	if !slices.IsSorted(s.log) {
		s.t.Errorf("executed out of order: %q", s.log)
	}
	if !slices.IsSorted(s.heard) || len(slices.Compact(slices.Clone(s.heard))) != len(s.heard) {
		s.t.Errorf("the client executed out of order, or twice: %q", s.heard)
	}
	for i, answer := range hear {
		tag := fmt.Sprintf("h%03d", i)
		select {
		case a := <-answer:
			if a.Failed == "" && !slices.Contains(s.heard, tag) || a.Failed == lmz.CodeGateway && slices.Contains(s.heard, tag) {
				s.t.Errorf("the answer to %s is not true: %q", tag, a.Failed)
			}
		default: // the gateway was killed
		}
	}
	if s.subscribed < len(s.begun) || s.peer.State() != client.Connected {
		s.t.Errorf("OnSubscriptionRequired ran %d times in %d sessions; the client is %s", s.subscribed, len(s.begun), s.peer.State())
	}
}
