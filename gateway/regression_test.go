package gateway_test

import (
	"context"
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
	"github.com/lumenize/lmz/object"
)

// Each test is named after a past bug.

// relay is a worker that calls get on a client, waits as long as requested, and returns long
// answers.
func relay(self lmz.Caller) lmz.Handler {
	mux := new(lmz.Mux)
	lmz.Method2[string, string, string]("relay").Expose(mux, lmz.Anyone, func(ctx context.Context, who, what string) (string, error) {
		return lmz.Call[string](lmz.NewChain(ctx), self, lmz.At(lmz.DefaultGateway, who), lmz.Ctn("get", what))
	})
	lmz.Method1[int, int]("slow").Expose(mux, lmz.Anyone, func(_ context.Context, ms int) (int, error) {
		time.Sleep(time.Duration(ms) * time.Millisecond) // virtual
		return ms, nil
	})
	lmz.Method1[int, string]("large").Expose(mux, lmz.Anyone, func(_ context.Context, n int) (string, error) {
		return strings.Repeat("x", n), nil
	})
	return mux
}

func startRelay(t *testing.T) *mesh {
	m := startMesh(t)
	m.gateway.HandleWorker("RELAY", relay)
	return m
}

func callRelay[R any](t *testing.T, via lmz.Caller, method string, args ...any) (R, error) {
	t.Helper()
	return lmz.Call[R](t.Context(), via, lmz.Worker("RELAY"), lmz.Ctn(method, args...))
}

func TestHandlerOfEndedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startRelay(t)
		defer m.stop()
		entered, resume := make(chan struct{}), make(chan struct{})
		var ran atomic.Int32
		p := m.peer("ann", func(o *client.Options) {
			mux := new(lmz.Mux)
			lmz.Method1[string, string]("get").Expose(mux, lmz.Anyone, func(_ context.Context, what string) (string, error) {
				if ran.Add(1) == 1 {
					close(entered)
					<-resume // it ignores its ctx
				}
				return "answer to " + what, nil
			})
			o.OnBeforeCall = lmz.Anyone
			o.Handler = mux
		})
		defer closePeer(p)
		bob := m.peer("bob", nil)
		defer closePeer(bob)
		old := make(chan error, 1)
		go func() {
			_, err := callRelay[string](t, bob, "relay", "ann.tab", "old")
			old <- err
		}()
		<-entered
		m.network.Cut()
		time.Sleep(8 * time.Second) // virtual
		m.network.Heal()
		if err := p.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := bob.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { close(resume) })
		if got, err := callRelay[string](t, bob, "relay", "ann.tab", "new"); err != nil || got != "answer to new" {
			t.Errorf("got %q, %v", got, err)
		}
		<-old
	})
}

func TestSendWithReplyOutlivesItsHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startRelay(t)
		defer m.stop()
		done := make(chan int, 1)
		var p *client.Peer
		p = m.peer("ann", func(o *client.Options) {
			mux := new(lmz.Mux)
			lmz.Method1[string, string]("get").Expose(mux, lmz.Anyone, func(ctx context.Context, what string) (string, error) {
				return what, p.Send(ctx, lmz.Worker("RELAY"), lmz.Ctn("slow", 200), lmz.Reply(lmz.Ctn("done", lmz.Result)))
			})
			lmz.Method1[int, struct{}]("done").Expose(mux, lmz.NoOne, func(_ context.Context, ms int) (struct{}, error) {
				done <- ms
				return struct{}{}, nil
			})
			o.OnBeforeCall = lmz.Anyone
			o.Handler = mux
		})
		defer closePeer(p)
		if _, err := callRelay[string](t, p, "relay", "ann.tab", "x"); err != nil {
			t.Fatal(err)
		}
		select {
		case ms := <-done:
			if ms != 200 {
				t.Errorf("the reply got %d", ms)
			}
		case <-time.After(time.Minute): // virtual
			t.Error("no reply")
		}
	})
}

func TestGoroutineOfHandlerKeepsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startRelay(t)
		defer m.stop()
		var p *client.Peer
		p = m.peer("ann", func(o *client.Options) {
			mux := new(lmz.Mux)
			lmz.Method1[string, string]("get").Expose(mux, lmz.Anyone, func(ctx context.Context, what string) (string, error) {
				go callRelay[int](t, p, "slow", 50)
				go p.CallRaw(ctx, lmz.Worker("RELAY"), lmz.Ctn("slow", 50))
				time.Sleep(10 * time.Millisecond)
				return what, nil
			})
			o.OnBeforeCall = lmz.Anyone
			o.Handler = mux
		})
		defer closePeer(p)
		for range 3 {
			if _, err := callRelay[string](t, p, "relay", "ann.tab", "x"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestManyLargeAnswersAtOnceDoNotEndTheSession(t *testing.T) {
	m := startRelay(t) // in real time, because the test depends on what a socket accepts
	defer m.stop()
	p := m.peer("ann", nil)
	defer closePeer(p)
	var wg sync.WaitGroup
	for range 15 { // beyond 16 MiB new calls are refused
		wg.Go(func() {
			if got, err := callRelay[string](t, p, "large", 900_000); err != nil || len(got) != 900_000 {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

func TestAnotherUserCanSignInOnTheSamePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		var who atomic.Value
		who.Store("ann")
		p := m.peer("", func(o *client.Options) {
			o.Token = func(context.Context, string) (string, error) { return token(who.Load().(string), time.Time{}), nil }
		})
		defer closePeer(p)
		newer := m.peer("ann", nil) // takes the address
		defer closePeer(newer)
		synctest.Wait()
		who.Store("bob")
		if err := p.Connect(t.Context()); err != nil || p.Identity().Instance != "bob.tab" {
			t.Errorf("connect as bob: %v, %s", err, p.Identity().Instance)
		}
	})
}

func TestASocketThatSaysNothingDoesNotHoldUpClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		synctest.Wait()
		start := time.Now()
		m.stop()
		if took := time.Since(start); took > 6*time.Second { // the close handshake has 5
			t.Errorf("it took %v", took)
		}
	})
}

func TestAnOutcomeIsNeverExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		var wiped atomic.Bool
		got := make(chan string, 1)
		m.gateway.HandleObject("ASKER", object.Kind{New: func(o *object.Object) lmz.Handler {
			mux := new(lmz.Mux)
			mux.Expose("ask", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				c, _ := lmz.CallContextFrom(ctx)
				return nil, o.Send(ctx, c.Caller().Address, lmz.Ctn("question"), lmz.Reply(lmz.Ctn("answered", lmz.Result)))
			}))
			mux.Expose("answered", lmz.NoOne, lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) {
				var text string
				err := req.Arg(0, &text)
				got <- text
				return nil, err
			}))
			mux.Expose("wipe", lmz.NoOne, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				wiped.Store(true)
				return "wiped", nil
			}))
			return mux
		}})
		defer m.stop()
		r := m.raw("eve.tab", token("eve", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		chain, err := value.MarshalChain(lmz.Ctn("ask"))
		if err != nil {
			t.Fatal(err)
		}
		r.frame(proto.Frame{Kind: proto.KindCall, Seq: 1, To: lmz.At("ASKER", "a"), Timeout: time.Minute, Context: []byte{0xa0}, Payload: chain})
		for {
			f, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind == proto.KindCall {
				hostile, err := value.Marshal(lmz.Ctn("wipe"))
				if err != nil {
					t.Fatal(err)
				}
				r.frame(proto.Frame{Kind: proto.KindAnswer, Seq: 2, Call: f.Seq, Payload: hostile})
				break
			}
		}
		if text := <-got; text != "" || wiped.Load() {
			t.Errorf("the outcome was executed: %q, wiped %v", text, wiped.Load())
		}
	})
}

func TestRememberedClientIsOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		for range 3 {
			closePeer(m.peer("ann", nil))
			synctest.Wait()
		}
		if n := m.gateway.Retired(); n != 1 {
			t.Errorf("it has %d", n)
		}
	})
}

func TestProtocolsKeepTheirSessionsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		r.frame(proto.Frame{Kind: proto.KindHello}) // a session with the zero id
		if f, err := r.read(); err != nil || f.Kind != proto.KindWelcome || f.Resumed {
			t.Fatalf("%+v, %v", f, err)
		}
		j := m.jsonRaw("ann.tab")
		j.hear(statusNew)
		j.say(jsonCall("1", toEcho, "echo", `"hi"`))
		j.hear(`{"type":"call_response","callId":"1","success":true,"result":{"json":"hi","meta":{}}}`)
		again := m.raw("ann.tab", token("ann", time.Time{}))
		defer again.conn.CloseNow()
		again.frame(proto.Frame{Kind: proto.KindHello})
		if f, err := again.read(); err != nil || f.Kind != proto.KindWelcome || f.Resumed {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

func TestACallThatAsksForEndlessWorkIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		r := m.raw("ann.tab", token("ann", time.Time{}))
		defer r.conn.CloseNow()
		r.hello()
		// Each of eight continuations holds a hundred references to the previous one.
		chain := []byte{0x82, 0x64, 'e', 'c', 'h', 'o', 0x82}
		level := append([]byte(nil), 0x82, 0x64, 'e', 'c', 'h', 'o', 0x81, 0x61, 'x')
		nest := func(inner []byte) []byte {
			return append([]byte("\xd8\x1b\x82lContinuation"), inner...)
		}
		var list []byte
		for n := range 8 {
			shared := append([]byte{0xd8, 0x1c}, level...)
			list = append(list, nest(shared)...)
			level = []byte{0x82, 0x64, 'e', 'c', 'h', 'o', 0x98, 100}
			for range 100 {
				level = append(level, nest([]byte{0xd8, 0x1d, byte(n)})...)
			}
		}
		chain = append(chain, append([]byte{0x88}, list...)...)
		chain = append(chain, nest(level)...)
		r.frame(proto.Frame{Kind: proto.KindCall, Seq: 1, To: lmz.Worker("ECHO"), Timeout: time.Minute, Context: []byte{0xa0}, Payload: chain})
		f, err := r.read()
		if err != nil || f.Kind != proto.KindAnswer || f.Failed != lmz.CodeCallee {
			t.Errorf("%+v, %v", f, err)
		}
	})
}
