package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// These tests check the bounds of PROTOCOL.md, "Limits": each has its own error or close
// code, and a counter.

// ask numbers a call of the raw client and sends it.
func (r *raw) ask(number uint64, to lmz.Address, c lmz.Continuation) {
	r.t.Helper()
	chain, err := value.MarshalChain(c)
	if err != nil {
		r.t.Fatal(err)
	}
	r.frame(proto.Frame{Kind: proto.KindCall, Seq: number, To: to, Timeout: time.Minute, Context: []byte{0xa0}, Payload: chain})
}

func TestSessionCallWindowOf256(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		gate := make(chan struct{})
		m.gateway.HandleWorker("SLOW", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				<-gate
				return "done", nil
			})
		})
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		for number := uint64(1); number <= 260; number++ {
			r.ask(number, lmz.Worker("SLOW"), lmz.Ctn("x"))
		}
		busy := 0
		for answers := 0; answers < 260; {
			f, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind != proto.KindAnswer {
				continue
			}
			if answers++; answers == 4 {
				close(gate)
			}
			_, err = proto.Answer{Failed: f.Failed, Payload: f.Payload}.Result()
			if errors.Is(err, lmz.ErrBusy) && errors.Is(err, lmz.ErrNotExecuted) {
				busy++
			} else if err != nil {
				t.Errorf("call %d: %v", f.Call, err)
			}
		}
		if got := m.gateway.Stats().BusySessions; busy != 4 || got != 4 {
			t.Errorf("%d calls were refused, %d counted, want 4", busy, got)
		}
	})
}

func TestClientThatAcknowledgesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startRelay(t)
		defer m.stop()
		bob := m.peer("bob", nil)
		defer closePeer(bob)
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		r.ask(1, lmz.At("COUNTER", "a"), lmz.Ctn("subscribe"))
		closed := make(chan int, 1)
		go func() {
			closed <- int(r.closeCode())
		}()
		synctest.Wait()
		for range 1001 { // small, so that only their number is too high
			if _, err := add.Call(t.Context(), bob, lmz.At("COUNTER", "a"), 1); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		if code := <-closed; code != proto.CloseOverflow || time.Since(start) > 6*time.Second {
			t.Errorf("closed with %d after %v", code, time.Since(start))
		}
		_, err := bob.CallRaw(t.Context(), lmz.At(lmz.DefaultGateway, "ann.tab"), lmz.Ctn("x"))
		if name, ended := lmz.DisconnectedClient(err); !ended || name != "ann.tab" {
			t.Errorf("a call to it: %v", err)
		}
		synctest.Wait()
		if s := m.gateway.Stats(); s.Overflows != 1 || s.Sessions != 1 || s.Connections != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestThousandCallsWaitForAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		m.gateway.HandleWorker("FLOOD", func(self lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method1[int, struct{}]("send").Expose(mux, lmz.Anyone, func(ctx context.Context, n int) (struct{}, error) {
				for i := range n {
					if err := self.Send(lmz.NewChain(ctx), lmz.At(lmz.DefaultGateway, "ann.tab"), notify.Ctn(i)); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			})
			return mux
		})
		defer m.stop()
		bob := m.peer("bob", nil)
		defer closePeer(bob)
		flood := func(n int) {
			t.Helper()
			if _, err := lmz.Call[any](t.Context(), bob, lmz.Worker("FLOOD"), lmz.Ctn("send", n)); err != nil {
				t.Fatal(err)
			}
		}
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.hello()
		r.conn.CloseNow()
		synctest.Wait()
		flood(1000)
		if s := m.gateway.Stats(); s.Overflows != 0 || s.Sessions != 2 {
			t.Fatalf("after 1,000 calls: %+v", s)
		}
		flood(1)
		if s := m.gateway.Stats(); s.Overflows != 1 || s.Sessions != 1 {
			t.Errorf("after one more: %+v", s)
		}
	})
}

func TestCallLimitBoundsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		left := make(chan time.Duration, 1)
		m.gateway.HandleWorker("CLOCK", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				deadline, _ := ctx.Deadline()
				left <- time.Until(deadline)
				return nil, nil
			})
		})
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		for i, tt := range []struct{ wanted, want time.Duration }{
			{time.Minute, time.Minute}, {time.Hour, 5 * time.Minute}, {1<<63 - 1, 5 * time.Minute},
		} {
			f := cborCall(t, uint64(i+1), lmz.Worker("CLOCK"), lmz.Ctn("x"), map[string]any{})
			f.Timeout = tt.wanted
			r.frame(f)
			if got := <-left; got != tt.want {
				t.Errorf("a call that wants %v has %v", tt.wanted, got)
			}
		}
		f := cborCall(t, 4, lmz.Worker("CLOCK"), lmz.Ctn("x"), map[string]any{})
		f.Timeout = 0
		r.frame(f)
		for {
			f, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind == proto.KindAnswer && f.Call == 4 {
				break // any error will do: it does not hang
			}
		}
	})
}

func TestPongsOfClientThatDoesNotRead(t *testing.T) {
	for name, every := range map[string]time.Duration{"slowly": time.Second, "fast": time.Microsecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := startMesh(t)
				defer m.stop()
				w := m.wire(proto.SubprotocolCBOR)
				defer w.conn.Close()
				w.raw(greeting)
				synctest.Wait()
				start, ping := time.Now(), message(proto.Frame{Kind: proto.KindPing})
				sent := 0
				for ; m.gateway.Stats().StuckSockets == 0 && sent < 10_000; sent++ { // 8,192 may wait
					w.raw(ping)
					time.Sleep(every) // virtual
				}
				if took := time.Since(start); sent == 10_000 || took > 12*time.Second {
					t.Errorf("it sent %d pings in %v", sent, took)
				}
				time.Sleep(20 * time.Second) // virtual: to close it, and the grace period
				if s := m.gateway.Stats(); s.Connections != 0 || s.Sessions != 0 || s.StuckSockets != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestFramesOfUnknownKindsAreIgnoredAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		kinds := []proto.Kind{0, 5, 15, 23, 40, 1 << 62}
		for _, kind := range kinds {
			r.frame(proto.Frame{Kind: kind})
		}
		j := m.jsonRaw("bob.tab")
		defer j.conn.CloseNow()
		j.hear(statusNew)
		j.say(`{"type":"of tomorrow"}`)
		r.frame(proto.Frame{Kind: proto.KindPing})
		if f, err := r.read(); err != nil || f.Kind != proto.KindPong {
			t.Errorf("after them: %+v, %v", f, err)
		}
		synctest.Wait()
		if got := m.gateway.Stats().UnknownFrames; got != uint64(len(kinds))+1 {
			t.Errorf("%d were counted", got)
		}
	})
}

func TestTheLogSaysAtTheEndWhichBoundsWereMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := startMeshWith(t, func(o *gateway.Options) {
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		})
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		r.frame(proto.Frame{Kind: 40})
		synctest.Wait()
		m.stop()
		if got := log.String(); !strings.Contains(got, "bounds met") || !strings.Contains(got, "unknownFrames=1") || !strings.Contains(got, "overflows=0") {
			t.Errorf("the log says %q", got)
		}
	})
}

func TestACallerCanDecideByWhichBoundWasMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startRelay(t)
		defer m.stop()
		p := m.peer("ann", func(o *client.Options) { o.QueueLimit = 2 })
		defer closePeer(p)
		_, err := lmz.Call[string](t.Context(), p, lmz.Worker("ECHO"), lmz.Ctn("echo", fmt.Sprintf("%01100000d", 1)))
		if !errors.Is(err, lmz.ErrTooLarge) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call that is too large: %v", err)
		}
		_, err = callRelay[string](t, p, "large", 1_100_000)
		if !errors.Is(err, lmz.ErrTooLarge) || errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("an answer that is too large: %v", err)
		}
		m.network.Cut()
		synctest.Wait()
		for range 2 {
			if err := p.Send(t.Context(), lmz.Worker("ECHO"), echo.Ctn("x")); err != nil {
				t.Fatal(err)
			}
		}
		_, err = echo.Call(t.Context(), p, lmz.Worker("ECHO"), "x")
		if !errors.Is(err, lmz.ErrQueueFull) || !errors.Is(err, lmz.ErrNotExecuted) {
			t.Errorf("a call that found the queue full: %v", err)
		}
		m.network.Heal()
	})
}
