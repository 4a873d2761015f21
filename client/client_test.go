package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// echo answers every call with its own chain.
func echo(f proto.Frame) (proto.Answer, bool) {
	return proto.NewAnswer(strings.ToValidUTF8(string(f.Payload), "."), nil), true
}

var someObject = lmz.Identity{Type: lmz.TypeObject, Address: lmz.At("OBJECT", "o")}

func call(t *testing.T, p *client.Peer, method string) error {
	t.Helper()
	got, err := lmz.Call[string](t.Context(), p, lmz.At("B", "i"), lmz.Ctn(method))
	if err == nil && !strings.Contains(got, method) {
		t.Errorf("%s: the answer is of another call: %q", method, got)
	}
	return err
}

func TestOrderOfCallsBeforeConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		g := newLoop(t, func(f proto.Frame) (proto.Answer, bool) {
			order = append(order, string(f.Payload))
			return echo(f)
		})
		p := g.peer(nil)
		defer g.end(p)
		var wg sync.WaitGroup
		for _, name := range []string{"one", "two", "three"} {
			wg.Go(func() {
				if err := call(t, p, name); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			synctest.Wait()
		}
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		for i, name := range []string{"one", "two", "three"} {
			if !strings.Contains(order[i], name) {
				t.Errorf("call %d was %q, want %s", i, order[i], name)
			}
		}
	})
}

func TestSubscribingBeforeQueuedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var events []string
		note := func(s string) { mu.Lock(); defer mu.Unlock(); events = append(events, s) }
		g := newLoop(t, func(f proto.Frame) (proto.Answer, bool) {
			for _, name := range []string{"subscribe", "early"} {
				if strings.Contains(string(f.Payload), name) {
					note(name)
				}
			}
			return echo(f)
		})
		var p *client.Peer
		p = g.peer(func(o *client.Options) {
			o.OnStateChange = func(s client.State) { note(s.String()) }
			o.OnSubscriptionRequired = func(ctx context.Context) {
				time.Sleep(time.Second) // virtual: the early call must not slip through
				if _, err := p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("subscribe")); err != nil {
					t.Errorf("subscribe: %v", err)
				}
			}
		})
		defer g.end(p)
		early := make(chan error, 1)
		go func() { early <- call(t, p, "early") }()
		synctest.Wait()
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-early; err != nil {
			t.Errorf("early: %v", err)
		}
		if want := []string{"connecting", "connected", "subscribe", "early"}; !slices.Equal(events, want) {
			t.Errorf("got %q, want %q", events, want)
		}
	})
}

func TestHangingOnSubscriptionRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		p := g.connected(func(o *client.Options) {
			o.OnSubscriptionRequired = func(ctx context.Context) { <-ctx.Done() }
		})
		start := time.Now()
		if err := call(t, p, "x"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("held for %v", took)
		}
		g.end(p)
	})
}

func TestStateChangesWhileSubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, func(proto.Frame) (proto.Answer, bool) { return proto.Answer{}, false })
		var states []client.State
		subscribing, subscriptions := 0, 0
		var p *client.Peer
		p = g.peer(func(o *client.Options) {
			o.OnStateChange = func(s client.State) { states = append(states, s) }
			o.OnSubscriptionRequired = func(ctx context.Context) {
				if subscribing++; subscribing > 1 {
					t.Error("it runs twice at once")
				}
				defer func() { subscribing-- }()
				subscriptions++
				p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("subscribe")) // which gets no answer
			}
		})
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		g.cut()
		synctest.Wait()
		if last := states[len(states)-1]; last != client.Reconnecting {
			t.Errorf("the line is cut, and the user was told %v", states)
		}
		time.Sleep(6 * time.Second) // virtual: the grace period is over
		g.heal()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if last := states[len(states)-1]; last != client.Connected || subscriptions != 2 {
			t.Errorf("%d subscriptions, and the user was told %v", subscriptions, states)
		}
		g.end(p)
	})
}

func TestQueueLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		p := g.peer(func(o *client.Options) { o.QueueLimit = 1 })
		defer g.end(p)
		go call(t, p, "waits")
		synctest.Wait()
		err := call(t, p, "too many")
		if !errors.Is(err, lmz.ErrNotExecuted) || !errors.Is(err, lmz.ErrQueueFull) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOutcomeAfterADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, func(proto.Frame) (proto.Answer, bool) { return proto.Answer{}, false })
		p := g.peer(nil)
		defer g.end(p)
		short := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("x"))
			return err
		}
		if err := short(); !errors.Is(err, lmz.ErrNotExecuted) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("never sent: %v", err)
		}
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := short(); !errors.Is(err, lmz.ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("sent: %v", err)
		}
		start := time.Now()
		if _, err := p.CallRaw(t.Context(), lmz.At("B", "i"), lmz.Ctn("x")); !errors.Is(err, lmz.ErrOutcomeUnknown) {
			t.Errorf("no deadline: %v", err)
		}
		if took := time.Since(start); took != lmz.DefaultTimeout {
			t.Errorf("without a deadline the call took %v", took)
		}
	})
}

func TestCallAcrossAShortCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		release := make(chan struct{})
		var g *loop
		g = newLoop(t, func(f proto.Frame) (proto.Answer, bool) {
			runs++
			g.answerLater(release, f.Seq) // while the client is away
			return proto.Answer{}, false
		})
		subscriptions := 0
		p := g.connected(func(o *client.Options) {
			o.OnSubscriptionRequired = func(context.Context) { subscriptions++ }
		})
		defer g.end(p)
		done := make(chan error, 1)
		go func() { done <- call(t, p, "x") }()
		synctest.Wait()
		g.cut()
		synctest.Wait()
		close(release)
		time.Sleep(3 * time.Second) // virtual
		g.heal()
		if err := <-done; err != nil || runs != 1 || subscriptions != 1 {
			t.Errorf("error %v, ran %d times, subscribed %d times", err, runs, subscriptions)
		}
	})
}

func TestOrderOfHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *client.Peer
		var events []string // guarded by the turn
		release := make(chan struct{})
		var g *loop
		g = newLoop(t, func(f proto.Frame) (proto.Answer, bool) {
			g.answerLater(release, f.Seq)
			return proto.Answer{}, false
		})
		p = g.connected(func(o *client.Options) {
			mux := new(lmz.Mux)
			mux.Expose("waits", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				events = append(events, "waits begins")
				if _, err := p.CallRaw(ctx, lmz.At("B", "i"), lmz.Ctn("x")); err != nil {
					t.Errorf("call in a handler: %v", err)
				}
				events = append(events, "waits ends")
				return nil, nil
			}))
			mux.Expose("quick", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				events = append(events, "quick")
				return nil, nil
			}))
			o.Handler = mux
		})
		defer g.end(p)
		first, second := g.call(1, someObject, lmz.Ctn("waits")), g.call(2, someObject, lmz.Ctn("quick"))
		<-second
		close(release)
		<-first
		if want := []string{"waits begins", "quick", "waits ends"}; !slices.Equal(events, want) {
			t.Errorf("got %q, want %q", events, want)
		}
	})
}

func TestIncomingCallChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		ran := 0
		p := g.connected(func(o *client.Options) {
			mux := new(lmz.Mux)
			mux.Expose("hello", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				ran++
				return nil, nil
			}))
			mux.Expose("panics", lmz.Anyone, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				panic("secret")
			}))
			o.Handler = mux
		})
		defer g.end(p)
		other := lmz.Identity{Type: lmz.TypeClient, Address: lmz.At(lmz.DefaultGateway, "bob.tab")}
		for i, tt := range []struct {
			from   lmz.Identity
			method string
			want   lmz.Code
		}{
			{someObject, "hello", ""},
			{p.Identity(), "hello", ""},
			{other, "hello", lmz.CodeGuard},
			{someObject, "unexposed", lmz.CodeAbsent},
			{someObject, "panics", lmz.CodeCallee},
		} {
			a := <-g.call(uint64(i+1), tt.from, lmz.Ctn(tt.method))
			if a.Failed != tt.want || strings.Contains(string(a.Payload), "secret") {
				t.Errorf("%s from %s: got %q %q, want %q", tt.method, tt.from, a.Failed, a.Payload, tt.want)
			}
		}
		if ran != 2 {
			t.Errorf("ran %d times, want 2", ran)
		}
	})
}

func TestCloseFromACallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, func(proto.Frame) (proto.Answer, bool) { return proto.Answer{}, false })
		var p *client.Peer
		closing := make(chan struct{})
		p = g.connected(func(o *client.Options) {
			o.OnSubscriptionRequired = func(context.Context) {
				<-closing
				p.Close()
			}
		})
		done := make(chan error, 1)
		go func() { done <- call(t, p, "x") }()
		synctest.Wait()
		close(closing)
		if err := <-done; !errors.Is(err, client.ErrClosed) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call that was held: %v", err)
		}
		if err := call(t, p, "later"); !errors.Is(err, client.ErrClosed) {
			t.Errorf("a call after Close: %v", err)
		}
		if err := p.Connect(t.Context()); !errors.Is(err, client.ErrClosed) {
			t.Errorf("connect after Close: %v", err)
		}
		g.end(p)
	})
}

func TestReplyOnTheClientsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		got := make(chan string, 1)
		p := g.connected(func(o *client.Options) {
			mux := new(lmz.Mux)
			const onEcho lmz.Method2[int, string, struct{}] = "onEcho"
			onEcho.Expose(mux, lmz.NoOne, func(_ context.Context, n int, s string) (struct{}, error) {
				got <- s
				return struct{}{}, nil
			})
			o.Handler = mux
		})
		defer g.end(p)
		err := p.Send(t.Context(), lmz.At("B", "i"), lmz.Ctn("work"), lmz.Reply(lmz.Ctn("onEcho", 7, lmz.Result)))
		if err != nil {
			t.Fatal(err)
		}
		if s := <-got; !strings.Contains(s, "work") {
			t.Errorf("got %q", s)
		}
	})
}

func TestReconnectWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		var failures atomic.Int32
		p := g.connected(func(o *client.Options) { o.OnConnectionError = func(error) { failures.Add(1) } })
		defer g.end(p)
		g.cut()
		time.Sleep(10 * time.Minute) // virtual
		g.mu.Lock()
		dials := g.dials
		g.mu.Unlock()
		if failures.Load() == 0 || dials > 80 {
			t.Errorf("%d dials, %d failures told in ten minutes", dials, failures.Load())
		}
		g.heal()
		if err := p.Connect(t.Context()); err != nil {
			t.Errorf("connect: %v", err)
		}
	})
}

// lateSocket is a socket that ignores Close: messages in transit still arrive.
type lateSocket struct{ messages chan []byte }

func (s lateSocket) Read() ([]byte, error) {
	if m, ok := <-s.messages; ok {
		return m, nil
	}
	return nil, errors.New("closed")
}
func (lateSocket) Write([]byte) error      { return nil }
func (lateSocket) Close(int, string) error { return nil }

func TestFramesOfAnAbandonedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLoop(t, echo)
		late := lateSocket{make(chan []byte)}
		dials, subscriptions, ran := 0, 0, 0
		p := g.connected(func(o *client.Options) { // the first socket gets no welcome in time
			o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
				if dials++; dials == 1 {
					return late, nil
				}
				return g.dial(ctx, url, protocols)
			}
			o.OnSubscriptionRequired = func(context.Context) { subscriptions++ }
			o.OnBeforeCall = func(context.Context, *lmz.Request) error { ran++; return nil }
		})
		defer g.end(p)
		chain, err := value.MarshalChain(lmz.Ctn("x"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []proto.Frame{
			{Kind: proto.KindWelcome},
			{Kind: proto.KindCall, Seq: 1, Timeout: time.Minute, Context: []byte{0xa0}, Payload: chain},
			{Kind: proto.KindAck, Ack: 99},
		} {
			late.messages <- f.Append(nil)
		}
		close(late.messages)
		synctest.Wait()
		if dials != 2 || subscriptions != 1 || ran != 0 || p.State() != client.Connected {
			t.Errorf("%d dials, %d subscriptions, %d calls, %s", dials, subscriptions, ran, p.State())
		}
		if err := call(t, p, "x"); err != nil {
			t.Error(err)
		}
	})
}
