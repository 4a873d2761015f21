package gateway_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
)

// slowLine is a socket that delivers rate bytes per second.
type slowLine struct {
	client.Transport
	rate int
}

// Read implements [client.Transport].
func (l slowLine) Read() ([]byte, error) {
	message, err := l.Transport.Read()
	time.Sleep(time.Duration(len(message)) * time.Second / time.Duration(l.rate)) // virtual
	return message, err
}

// Subprotocol returns the negotiated subprotocol.
func (l slowLine) Subprotocol() string {
	return l.Transport.(interface{ Subprotocol() string }).Subprotocol()
}

// onSlowLine gives a client a line of 1.2 MB/s.
func (m *mesh) onSlowLine(o *client.Options) {
	dial := o.Dial
	o.Dial = func(ctx context.Context, url string, protocols []string) (client.Transport, error) {
		t, err := dial(ctx, url, protocols)
		if err != nil {
			return nil, err
		}
		return slowLine{t, 1_200_000}, nil
	}
}

// talkers registers a worker that sends one-way calls to ann.tab: their size and number are
// arguments, as is the pause after each.
func (m *mesh) talkers(names ...string) {
	for _, name := range names {
		m.gateway.HandleWorker(name, func(self lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method3[int, int, int, struct{}]("talk").Expose(mux, lmz.Anyone, func(ctx context.Context, size, n, pauseMs int) (struct{}, error) {
				for range n {
					err := self.Send(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, "ann.tab"), lmz.Ctn("hear", name, strings.Repeat("x", size)))
					if err != nil {
						return struct{}{}, err
					}
					time.Sleep(time.Duration(pauseMs) * time.Millisecond)
				}
				return struct{}{}, nil
			})
			return mux
		})
	}
}

// TestASlowSubscriberKeepsItsSession sends a client on a line of 1.2 MB/s 12 MB in 2 s from
// one node, and a word now and then from another. The client loses most of what the first
// sent, and is told how much, and nothing of the second. A client without this feature loses
// its session when 64 MiB wait.
func TestASlowSubscriberKeepsItsSession(t *testing.T) {
	for _, tt := range []struct {
		name  string
		knows bool // understands missed calls
		calls int
	}{{"told", true, 200}, {"of the first version", false, 1400}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				m.talkers("BUSY", "CALM")
				var busy, calm, missed, sessions atomic.Int64
				mux := new(lmz.Mux)
				lmz.Method2[string, string, struct{}]("hear").Expose(mux, lmz.Anyone, func(_ context.Context, who, _ string) (struct{}, error) {
					if who == "BUSY" {
						busy.Add(1)
					} else {
						calm.Add(1)
					}
					return struct{}{}, nil
				})
				ann := m.peer("ann", func(o *client.Options) {
					m.onSlowLine(o)
					o.Handler = mux
					o.OnSubscriptionRequired = func(context.Context) { sessions.Add(1) }
					o.OnBeforeCall = lmz.Anyone
					if tt.knows {
						o.OnMissed = func(_ context.Context, from lmz.Address, calls int) {
							if from != lmz.Worker("BUSY") {
								t.Errorf("%d calls of %s were missed", calls, from)
							}
							missed.Add(int64(calls))
						}
					}
				})
				defer closePeer(ann)
				bob := m.peer("bob", nil)
				defer closePeer(bob)
				talk := func(who string, size, n, pauseMs int) {
					if _, err := bob.CallRaw(t.Context(), lmz.Worker(who), lmz.Ctn("talk", size, n, pauseMs)); err != nil {
						t.Errorf("%s: %v", who, err)
					}
				}
				go talk("CALM", 100, 20, 100)
				talk("BUSY", 60_000, tt.calls, 10)
				time.Sleep(time.Minute) // virtual
				s := m.gateway.Stats()
				switch {
				case !tt.knows:
					if s.Overflows != 1 || sessions.Load() != 2 {
						t.Errorf("%d sessions, %+v", sessions.Load(), s)
					}
				case s.Overflows != 0 || sessions.Load() != 1 || calm.Load() != 20 || busy.Load()+missed.Load() != 200 || busy.Load() < 20:
					t.Errorf("%d of BUSY heard and %d missed, %d of CALM heard, %d sessions, %+v",
						busy.Load(), missed.Load(), calm.Load(), sessions.Load(), s)
				case uint64(missed.Load()) != s.DroppedCalls:
					t.Errorf("%d calls were dropped, and the client heard of %d", s.DroppedCalls, missed.Load())
				}
			})
		})
	}
}
