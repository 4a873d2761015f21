package gateway_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/proto"
	"github.com/lumenize/lmz/internal/value"
)

// Calls of language bindings (client/raw.go) through a real gateway.

type outcome struct {
	failed lmz.Code
	value  any
}

func callEncoded(t *testing.T, ctx context.Context, p *client.Peer, to lmz.Address, c lmz.Continuation) outcome {
	t.Helper()
	chain, err := value.MarshalChain(c)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan outcome, 1)
	p.CallEncoded(ctx, to, nil, chain, func(failed lmz.Code, payload []byte) {
		var v any
		if err := value.Unmarshal(payload, &v); err != nil {
			t.Errorf("payload: %v", err)
		}
		answer <- outcome{failed, v}
	})
	return <-answer
}

func TestEncodedCallsComeBackEncoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		p := m.peer("ann", nil)
		defer closePeer(p)
		if got := callEncoded(t, t.Context(), p, lmz.Worker("ECHO"), echo.Ctn("hi")); got != (outcome{"", "hi"}) {
			t.Errorf("echo: %+v", got)
		}
		for _, tt := range []struct {
			to   lmz.Address
			call lmz.Continuation
			want lmz.Code
		}{
			{lmz.Worker("NOTHING"), lmz.Ctn("x"), lmz.CodeAbsent},
			{lmz.Worker("ECHO"), lmz.Ctn("missing"), lmz.CodeAbsent},
			{lmz.Worker("ECHO"), echo.Ctn("x").Then("y"), lmz.CodeCallee},
		} {
			got := callEncoded(t, t.Context(), p, tt.to, tt.call)
			if _, isError := got.value.(*lmz.Error); got.failed != tt.want || !isError {
				t.Errorf("%s to %s: %+v, want %s", tt.call, tt.to, got, tt.want)
			}
		}
		p.Close()
		if got := callEncoded(t, t.Context(), p, lmz.Worker("ECHO"), echo.Ctn("late")); got.failed != lmz.CodeGateway {
			t.Errorf("after Close: %+v", got)
		}
	})
}

func TestRawHandlerOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMesh(t)
		defer m.stop()
		type incoming struct {
			chain []byte
			done  func(lmz.Code, []byte)
		}
		begun := make(chan incoming, 10)
		p := m.rawPeer("ann", func(_ context.Context, callContext, chain []byte, done func(lmz.Code, []byte)) {
			if c, err := proto.UnmarshalContext(callContext); err != nil || c.Caller().Type != lmz.TypeObject {
				t.Errorf("call context: %+v, %v", c, err)
			}
			begun <- incoming{chain, done}
		})
		defer closePeer(p)
		to := lmz.At("COUNTER", "a")
		if _, err := subscribe.Call(t.Context(), p, to); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := add.Call(t.Context(), p, to, 1); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		var calls []incoming
		for want := int64(1); want <= 3; want++ {
			call := <-begun
			calls = append(calls, call)
			var ops []any
			if err := value.Unmarshal(call.chain, &ops); err != nil || ops[0] != "notify" || ops[1].([]any)[0] != want {
				t.Errorf("call %d: %v, %v", want, ops, err)
			}
		}
		for _, i := range []int{2, 0} {
			calls[i].done("", []byte{0xf7})
		}
		time.Sleep(time.Minute) // virtual: nobody answers the third call, and nothing hangs
	})
}
