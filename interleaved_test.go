//go:build !js

package lmz_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

// The test of this file has many users' calls go through the same few nodes, all at
// once, and each step look whether the call context is that of its own user.

const (
	interleavedUsers  = 100
	interleavedRounds = 3
)

// interleaved is what the nodes of the test have in common.
type interleaved struct {
	t     *testing.T
	steps atomic.Int64
	kinds sync.Map // of steps that were seen
}

// step wants the call context of ctx to be the user's own: the chain, whose hops are
// bindings, the auth, and the state that the user's first object has set.
func (x *interleaved) step(ctx context.Context, name, user string, hops ...string) {
	x.steps.Add(1)
	x.kinds.Store(name, true)
	c, _ := lmz.CallContextFrom(ctx)
	chain := make([]string, len(c.Chain))
	for i, hop := range c.Chain {
		chain[i] = hop.Binding
	}
	switch {
	case strings.Join(chain, " ") != strings.Join(hops, " "):
		x.t.Errorf("%s of %s: the chain is %q, want %q", name, user, chain, hops)
	case len(hops) == 0 || hops[0] != lmz.DefaultGateway: // a chain that no client began
		if c.Auth != nil || len(c.State)+len(c.ClientState) != 0 {
			x.t.Errorf("%s of %s: a fresh chain has %+v", name, user, c)
		}
	case c.Auth == nil || c.Auth.Subject != user || c.Origin().Instance != user+".tab":
		x.t.Errorf("%s of %s: runs for %+v, begun by %s", name, user, c.Auth, c.Origin())
	case textOf(c.ClientState["claim"]) != user:
		x.t.Errorf("%s of %s: the client's state is %q", name, user, textOf(c.ClientState["claim"]))
	case len(hops) > 1 && textOf(c.State["user"]) != user:
		x.t.Errorf("%s of %s: the state is %q", name, user, textOf(c.State["user"]))
	}
}

func textOf(v lmz.Value) (text string) {
	if v != nil {
		v.Decode(&text)
	}
	return text
}

// pause lets others run, in virtual time.
func pause() { time.Sleep(rand.N(5 * time.Millisecond)) }

// The nodes: A and B are objects that all users share, PAUSE a worker that takes its
// time.
var (
	nodeA, nodeB, nodePause = lmz.At("A", "a"), lmz.At("B", "b"), lmz.Worker("PAUSE")
	gate                    = lmz.DefaultGateway
)

const (
	startA lmz.Method1[string, string] = "start"
	backA  lmz.Method1[string, string] = "back"
	workB  lmz.Method1[string, string] = "work"
	noteB  lmz.Method1[string, string] = "note"
	freshB lmz.Method1[string, string] = "fresh"
)

func (x *interleaved) nodes(m *meshtest.Mesh) {
	m.HandleWorker("PAUSE", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method2[string, []string, string]("wait").Expose(mux, lmz.Anyone, func(ctx context.Context, user string, hops []string) (string, error) {
			x.step(ctx, "wait", user, hops...)
			pause()
			x.step(ctx, "waited", user, hops...)
			return user, nil
		})
		return mux
	})
	m.HandleObject("A", object.Kind{New: x.newA})
	m.HandleObject("B", object.Kind{New: x.newB})
}

// wait has the worker take its time, which gives up the turn.
func (x *interleaved) wait(ctx context.Context, self lmz.Caller, user string, hops ...string) error {
	got, err := lmz.Call[string](ctx, self, nodePause, lmz.Ctn("wait", user, hops))
	if err == nil && got != user {
		err = lmz.Errorf("%s got the answer of %s", user, got)
	}
	return err
}

func (x *interleaved) newA(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	mux.OnBeforeCall(func(ctx context.Context, req *lmz.Request) error {
		var user string
		if err := req.Arg(0, &user); err != nil {
			return err
		}
		if c, _ := lmz.CallContextFrom(ctx); len(c.Chain) == 1 {
			x.step(ctx, "guard", user, gate)
			lmz.SetState(ctx, "user", c.Auth.Subject)
		}
		return nil
	})
	startA.Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "start", user, gate)
		if err := x.wait(ctx, o, user, gate, "A"); err != nil {
			return "", err
		}
		x.step(ctx, "after a wait", user, gate)
		if _, err := workB.Call(ctx, o, nodeB, user); err != nil {
			return "", err
		}
		x.step(ctx, "after A, B, A", user, gate)
		if err := x.siblings(ctx, o, user); err != nil {
			return "", err
		}
		noted := lmz.Reply(lmz.Ctn("noted", user, map[string]any{"outcome": lmz.Result}))
		if err := o.Send(ctx, nodeB, noteB.Ctn(user), noted); err != nil {
			return "", err
		}
		if err := o.Send(lmz.NewChain(ctx), nodeB, freshB.Ctn(user)); err != nil {
			return "", err
		}
		if _, err := o.Alarms().Set(ctx, object.In(time.Second), lmz.Ctn("rang", user), object.AlarmOptions{}); err != nil {
			return "", err
		}
		x.step(ctx, "end", user, gate)
		return user, nil
	})
	backA.Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "back", user, gate, "A", "B")
		err := x.wait(ctx, o, user, gate, "A", "B", "A")
		x.step(ctx, "back after a wait", user, gate, "A", "B")
		return user, err
	})
	lmz.Method1[string, struct{}]("rang").Expose(mux, lmz.NoOne, func(ctx context.Context, user string) (struct{}, error) {
		x.step(ctx, "alarm", user) // nobody's: the chain begins here
		err := x.wait(ctx, o, user, "A")
		x.step(ctx, "alarm after a wait", user)
		return struct{}{}, err
	})
	lmz.Method2[string, map[string]string, struct{}]("noted").Expose(mux, lmz.NoOne,
		func(ctx context.Context, user string, got map[string]string) (struct{}, error) {
			x.step(ctx, "reply", user, gate)
			if got["outcome"] != user {
				x.t.Errorf("the reply of %s got %q", user, got)
			}
			err := x.wait(ctx, o, user, gate, "A") // with the state that was set when it was sent
			x.step(ctx, "reply after a wait", user, gate)
			return struct{}{}, err
		})
	return mux
}

// siblings makes calls, two of them at once, whose state differs.
func (x *interleaved) siblings(ctx context.Context, o *object.Object, user string) error {
	for _, twin := range []string{"left", "right"} {
		calls := o.Calls(lmz.WithState(ctx, "twin", twin+user))
		one := object.Go[string](calls, nodeB, lmz.Ctn("twin", user))
		two := object.Go[string](calls, nodeB, lmz.Ctn("twin", user))
		if err := calls.Wait(); err != nil {
			return err
		}
		for _, p := range []*object.Pending[string]{one, two} {
			if got, err := p.Result(); err != nil || got != twin+user {
				return lmz.Errorf("the %s twin of %s got %q, %w", twin, user, got, err)
			}
		}
	}
	if c, _ := lmz.CallContextFrom(ctx); c.State["twin"] != nil {
		x.t.Errorf("%s sees the state of its calls", user)
	}
	return nil
}

func (x *interleaved) newB(o *object.Object) lmz.Handler {
	mux := new(lmz.Mux)
	workB.Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "work", user, gate, "A")
		if err := x.wait(ctx, o, user, gate, "A", "B"); err != nil {
			return "", err
		}
		got, err := backA.Call(ctx, o, nodeA, user)
		if err == nil && got != user {
			err = lmz.Errorf("%s got the answer of %s", user, got)
		}
		x.step(ctx, "work after a wait", user, gate, "A")
		return user, err
	})
	noteB.Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "note", user, gate, "A")
		err := x.wait(ctx, o, user, gate, "A", "B")
		return user, err
	})
	freshB.Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "fresh", user, "A")
		return user, nil
	})
	lmz.Method1[string, string]("twin").Expose(mux, lmz.Anyone, func(ctx context.Context, user string) (string, error) {
		x.step(ctx, "twin", user, gate, "A")
		err := x.wait(ctx, o, user, gate, "A", "B")
		c, _ := lmz.CallContextFrom(ctx)
		return textOf(c.State["twin"]), err
	})
	return mux
}

func TestContextsOfInterleavedCalls(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		x := &interleaved{t: t}
		x.nodes(m)
		var users sync.WaitGroup
		for n := range interleavedUsers {
			user := fmt.Sprintf("user%d", n)
			c := m.Client(user, nil, client.Options{Tab: "tab"})
			users.Go(func() {
				for range interleavedRounds {
					pause()
					ctx := lmz.WithState(context.Background(), "claim", user)
					ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
					if got, err := startA.Call(ctx, c, nodeA, user); err != nil || got != user {
						t.Errorf("%s got %q, %v", user, got, err)
					}
					cancel()
				}
			})
		}
		users.Wait()
		synctest.Wait()
		time.Sleep(time.Minute) // for what was sent
		const kinds, perRound = 18, 39
		if seen := lengthOf(&x.kinds); seen != kinds {
			t.Errorf("%d kinds of steps were seen, want %d", seen, kinds)
		}
		if got, want := x.steps.Load(), int64(interleavedUsers*interleavedRounds*perRound); got != want {
			t.Errorf("%d steps were made, want %d", got, want)
		}
	})
}

func lengthOf(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}
