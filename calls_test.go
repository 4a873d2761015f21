//go:build !js

package lmz_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/meshtest"
	"github.com/lumenize/lmz/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// do is the only method of the nodes of everyNode.
const do lmz.Method0[string] = "do"

// everyNode has f run in a handler of an object, of a worker and of a client, with their
// calling half, and checks what it returned.
func everyNode(t *testing.T, f func(ctx context.Context, self lmz.Caller) (string, error), check func(node, got string, err error)) {
	t.Helper()
	everyNodeWith(t, func(*meshtest.Mesh) {}, f, check)
}

// everyNodeWith is everyNode in a mesh with more nodes.
func everyNodeWith(t *testing.T, more func(*meshtest.Mesh), f func(ctx context.Context, self lmz.Caller) (string, error), check func(node, got string, err error)) {
	t.Helper()
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		more(m)
		mux := func(self lmz.Caller) *lmz.Mux {
			mux := new(lmz.Mux)
			do.Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) { return f(ctx, self) })
			return mux
		}
		m.HandleObject("OBJECT", object.Kind{New: func(o *object.Object) lmz.Handler { return mux(o) }})
		m.HandleWorker("WORKER", func(self lmz.Caller) lmz.Handler { return mux(self) })
		var bob *meshtest.Client
		bob = m.Client("bob", nil, client.Options{OnBeforeCall: lmz.Anyone,
			Handler: lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) { return f(ctx, bob) })})
		ann := m.Client("ann", nil, client.Options{})
		for _, to := range []lmz.Address{lmz.At("OBJECT", "o"), lmz.Worker("WORKER"), lmz.At(lmz.DefaultGateway, "bob.t1")} {
			got, err := do.Call(t.Context(), ann, to)
			check(to.String(), got, err)
		}
	})
}

func TestSelfOfEveryNode(t *testing.T) {
	var got []string
	everyNode(t, func(ctx context.Context, _ lmz.Caller) (string, error) {
		c, _ := lmz.CallContextFrom(ctx)
		return fmt.Sprintf("%s %s %s called by %s", c.Self.Type, c.Self.Binding, c.Self.Instance, c.Caller()), nil
	}, func(_, self string, err error) { got = append(got, fmt.Sprint(self, err)) })
	want := []string{
		"LumenizeDO OBJECT o called by LUMENIZE_CLIENT_GATEWAY/ann.t2<nil>",
		"LumenizeWorker WORKER  called by LUMENIZE_CLIENT_GATEWAY/ann.t2<nil>",
		"LumenizeClient LUMENIZE_CLIENT_GATEWAY bob.t1 called by LUMENIZE_CLIENT_GATEWAY/ann.t2<nil>",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWrongTargetOnEveryNode(t *testing.T) {
	wrong := []struct {
		to   lmz.Address
		text string
	}{
		{lmz.At("NOBODY", "x"), `"NOBODY"`},
		{lmz.Worker(""), `no objects are registered as ""`},
		{lmz.Worker("OBJECT"), "instance"},
		{lmz.At("WORKER", "one"), `WORKER is a worker and has no instance "one"`},
		{lmz.Worker(lmz.DefaultGateway), "instance"},
	}
	for _, w := range wrong {
		everyNode(t, func(ctx context.Context, self lmz.Caller) (string, error) {
			start := time.Now()
			_, err := self.CallRaw(ctx, w.to, lmz.Ctn("f"))
			if lmz.CodeOf(err) != lmz.CodeAbsent || !strings.Contains(err.Error(), w.text) {
				return "", lmz.Errorf("CallRaw: %q %v", lmz.CodeOf(err), err)
			}
			if _, client := self.(*meshtest.Client); !client || w.to.Binding == "" { // a client asks the gateway
				if err := self.Send(ctx, w.to, lmz.Ctn("f")); lmz.CodeOf(err) != lmz.CodeAbsent || !strings.Contains(err.Error(), w.text) {
					return "", lmz.Errorf("Send: %q %v", lmz.CodeOf(err), err)
				}
			}
			return time.Since(start).String(), nil
		}, func(node, took string, err error) {
			if err != nil || took != "0s" {
				t.Errorf("%s calls %q: after %s: %v", node, w.to, took, err)
			}
		})
	}
}

func TestOnSentOfEveryNode(t *testing.T) {
	everyNode(t, func(ctx context.Context, self lmz.Caller) (string, error) {
		var ids []string
		ctx = lmz.OnSent(ctx, func(id string) { ids = append(ids, id) })
		if _, err := self.CallRaw(ctx, lmz.At("OBJECT", "other"), lmz.Ctn("missing")); lmz.CodeOf(err) != lmz.CodeAbsent {
			return "", err
		}
		if _, err := self.CallRaw(ctx, lmz.At("OBJECT", "other"), lmz.Ctn("f", make(chan int))); err == nil {
			return "", lmz.Errorf("a channel was sent")
		}
		if _, err := self.CallRaw(ctx, lmz.Worker("WORKER"), lmz.Ctn("missing")); lmz.CodeOf(err) != lmz.CodeAbsent {
			return "", err
		}
		if len(ids) != 2 || ids[0] == ids[1] || len(ids[0]) < 34 {
			return "", lmz.Errorf("ids %q", ids)
		}
		return "", nil
	}, func(node, _ string, err error) {
		if err != nil {
			t.Errorf("%s: %v", node, err)
		}
	})
}

// colours are what a node sees of the state, its own and the client's.
const colours lmz.Method0[string] = "colours"

func seen(ctx context.Context) string {
	c, _ := lmz.CallContextFrom(ctx)
	var all []string
	for _, state := range []map[string]lmz.Value{c.State, c.ClientState} {
		text := "-"
		if v := state["colour"]; v != nil {
			v.Decode(&text)
		}
		all = append(all, text)
	}
	return strings.Join(all, "/")
}

func TestStateDownstream(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleWorker("LEAF", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			colours.Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) { return seen(ctx), nil })
			return mux
		})
		m.HandleWorker("MIDDLE", func(self lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			colours.Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				got := []string{seen(ctx)}
				ask := func(ctx context.Context) {
					text, err := colours.Call(ctx, self, lmz.Worker("LEAF"))
					got = append(got, fmt.Sprint(text, errText(err)))
				}
				ask(ctx)
				ask(lmz.WithState(ctx, "colour", "blue")) // for this call
				ask(ctx)
				lmz.SetState(ctx, "colour", "red") // for the rest
				got = append(got, seen(ctx))
				ask(ctx)
				ask(lmz.NewChain(ctx))
				ask(lmz.WithState(lmz.NewChain(ctx), "colour", "green"))
				ask(lmz.WithState(ctx, "colour", make(chan int)))
				return strings.Join(got, " "), nil
			})
			return mux
		})
		ann := m.Client("ann", nil, client.Options{})
		got, err := colours.Call(t.Context(), ann, lmz.Worker("MIDDLE"))
		want := "-/- -/- blue/- -/- red/- red/- -/- green/- failed"
		if err != nil || got != want {
			t.Errorf("got  %q, %v\nwant %q", got, err, want)
		}
		if got, err := colours.Call(t.Context(), ann, lmz.Worker("MIDDLE")); err != nil || got != want {
			t.Errorf("the second call saw the first: %q, %v", got, err)
		}
	})
}

func errText(err error) string {
	if err != nil {
		return "failed"
	}
	return ""
}

func TestStateCopies(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		list := []string{"a"}
		m.HandleWorker("LEAF", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				c, _ := lmz.CallContextFrom(ctx)
				var got []string
				if err := c.State["list"].Decode(&got); err != nil {
					return nil, err
				}
				got[0] = "changed"
				return got, nil
			})
		})
		m.HandleWorker("MIDDLE", func(self lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				return self.CallRaw(lmz.WithState(ctx, "list", list), lmz.Worker("LEAF"), lmz.Ctn("f"))
			})
		})
		ann := m.Client("ann", nil, client.Options{})
		got, err := lmz.Call[[]string](t.Context(), ann, lmz.Worker("MIDDLE"), lmz.Ctn("f"))
		if err != nil || got[0] != "changed" || list[0] != "a" {
			t.Errorf("got %q, %v; the sender has %q", got, err, list)
		}
	})
}

type role struct{ Name string }

type notAllowed struct{ Role string }

func (e *notAllowed) Error() string { return "you are no " + e.Role }

func init() { lmz.RegisterError[*notAllowed]("NotAllowed") }

func TestPerCallAndErrorTypes(t *testing.T) {
	computed := 0
	roles := lmz.NewPerCall(func(ctx context.Context) (*role, error) {
		c, _ := lmz.CallContextFrom(ctx)
		computed++
		return &role{c.Auth.Subject}, nil
	})
	require := func(name string) lmz.Guard { // a guard that is made for each use
		return func(ctx context.Context, _ *lmz.Request) error {
			a, err := roles.Get(ctx)
			if err == nil && a.Name != name {
				err = &notAllowed{name}
			}
			return err
		}
	}
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		m.HandleWorker("W", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			mux.OnBeforeCall(func(ctx context.Context, _ *lmz.Request) error {
				a, err := roles.Get(ctx)
				lmz.SetState(ctx, "colour", a.Name)
				return err
			})
			method := func(ctx context.Context) (string, error) {
				a, err := roles.Get(lmz.NewChain(ctx))
				return a.Name + " " + seen(ctx), err
			}
			lmz.Method0[string]("forAnn").Expose(mux, require("ann"), method)
			lmz.Method0[string]("forBob").Expose(mux, require("bob"), method)
			return mux
		})
		ann := m.Client("ann", nil, client.Options{})
		bob := m.Client("bob", nil, client.Options{})
		for _, c := range []struct {
			peer   *meshtest.Client
			method string
			want   string
		}{{ann, "forAnn", "ann ann/-"}, {bob, "forBob", "bob bob/-"}, {ann, "forBob", ""}, {bob, "forAnn", ""}} {
			computed = 0
			got, err := lmz.Call[string](t.Context(), c.peer, lmz.Worker("W"), lmz.Ctn(c.method))
			var refused *notAllowed
			if errors.As(err, &refused) != (c.want == "") || got != c.want || computed != 1 {
				t.Errorf("%s: got %q, %v, computed %d times", c.method, got, err, computed)
			}
			if refused != nil && (lmz.CodeOf(err) != lmz.CodeGuard || !strings.EqualFold("for"+refused.Role, c.method)) {
				t.Errorf("%s: %q %+v", c.method, lmz.CodeOf(err), refused)
			}
		}
	})
}

func TestDefaultGuardOfClients(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		handler := lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return "hi", nil })
		m.Client("shut", nil, client.Options{Tab: "t", Handler: handler})
		m.Client("open", nil, client.Options{Tab: "t", Handler: handler, OnBeforeCall: lmz.Anyone})
		ann := m.Client("ann", nil, client.Options{})
		if _, err := lmz.Call[string](t.Context(), ann, lmz.At(lmz.DefaultGateway, "shut.t"), lmz.Ctn("f")); lmz.CodeOf(err) != lmz.CodeGuard {
			t.Errorf("shut: %v", err)
		}
		if got, err := lmz.Call[string](t.Context(), ann, lmz.At(lmz.DefaultGateway, "open.t"), lmz.Ctn("f")); got != "hi" || err != nil {
			t.Errorf("open: %q, %v", got, err)
		}
	})
}

func TestDeadlineOfSends(t *testing.T) {
	var left chan time.Duration
	everyNodeWith(t, func(m *meshtest.Mesh) {
		left = make(chan time.Duration, 2) // of the bubble
		m.HandleWorker("CLOCK", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
				deadline, _ := ctx.Deadline()
				left <- time.Until(deadline)
				return nil, nil
			})
		})
	}, func(ctx context.Context, self lmz.Caller) (string, error) {
		if err := self.Send(ctx, lmz.Worker("CLOCK"), lmz.Ctn("f")); err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel() // it goes on all the same
		return "", self.Send(ctx, lmz.Worker("CLOCK"), lmz.Ctn("f"))
	}, func(node, _ string, err error) {
		if err != nil {
			t.Errorf("%s: %v", node, err)
			return
		}
		got := []time.Duration{(<-left).Round(time.Second), (<-left).Round(time.Second)}
		if min(got[0], got[1]) != 3*time.Second || max(got[0], got[1]) != lmz.DefaultTimeout {
			t.Errorf("%s: sends had %v left", node, got)
		}
	})
}

func TestStateOfReplies(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		got := make(chan string, 3)
		node := func(self func() lmz.Caller) *lmz.Mux {
			mux := new(lmz.Mux)
			do.Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				lmz.SetState(ctx, "colour", "early")
				err := self().Send(ctx, lmz.Worker("LEAF"), lmz.Ctn("f"), lmz.Reply(lmz.Ctn("noted")))
				lmz.SetState(ctx, "colour", "late")
				return "", err
			})
			lmz.Method1[lmz.Value, struct{}]("noted").Expose(mux, lmz.NoOne, func(ctx context.Context, _ lmz.Value) (struct{}, error) {
				c, _ := lmz.CallContextFrom(ctx)
				got <- c.Self.Binding + " " + seen(ctx)
				return struct{}{}, nil
			})
			return mux
		}
		m.HandleWorker("LEAF", func(lmz.Caller) lmz.Handler {
			return lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
				time.Sleep(time.Second)
				return nil, nil
			})
		})
		m.HandleWorker("WORKER", func(self lmz.Caller) lmz.Handler { return node(func() lmz.Caller { return self }) })
		m.HandleObject("OBJECT", object.Kind{New: func(o *object.Object) lmz.Handler { return node(func() lmz.Caller { return o }) }})
		var bob *meshtest.Client
		bob = m.NewClient("bob", nil, client.Options{Tab: "t", OnBeforeCall: lmz.Anyone, Handler: node(func() lmz.Caller { return bob })})
		if err := bob.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		ann := m.Client("ann", nil, client.Options{})
		for _, to := range []lmz.Address{lmz.Worker("WORKER"), lmz.At("OBJECT", "o"), lmz.At(lmz.DefaultGateway, "bob.t")} {
			if _, err := do.Call(t.Context(), ann, to); err != nil {
				t.Fatalf("%s: %v", to, err)
			}
			if reply := <-got; reply != to.Binding+" early/-" {
				t.Errorf("%s: the reply saw %q", to, reply)
			}
		}
	})
}

func TestReplyOnErrorWithoutGuards(t *testing.T) {
	meshtest.Run(t, func(t *testing.T, m *meshtest.Mesh) {
		got := make(chan string, 10)
		node := func(self func() lmz.Caller) *lmz.Mux {
			mux := new(lmz.Mux)
			do.Expose(mux, lmz.Anyone, func(ctx context.Context) (string, error) {
				for _, method := range []string{"good", "bad"} {
					if err := self().Send(ctx, lmz.Worker("LEAF"), lmz.Ctn(method), lmz.ReplyOnError(lmz.Ctn("failed", method))); err != nil {
						return "", err
					}
				}
				return "", nil
			})
			lmz.Method2[string, lmz.Value, struct{}]("failed").Expose(mux, lmz.NoOne, func(ctx context.Context, method string, _ lmz.Value) (struct{}, error) {
				_, err := self().CallRaw(ctx, lmz.Worker("LEAF"), lmz.Ctn("secret"))
				got <- method + " " + string(lmz.CodeOf(err))
				return struct{}{}, nil
			})
			return mux
		}
		m.HandleWorker("LEAF", func(lmz.Caller) lmz.Handler {
			mux := new(lmz.Mux)
			lmz.Method0[string]("good").Expose(mux, lmz.Anyone, func(context.Context) (string, error) { return "fine", nil })
			lmz.Method0[string]("bad").Expose(mux, lmz.Anyone, func(context.Context) (string, error) { return "", lmz.Errorf("no") })
			lmz.Method0[string]("secret").Expose(mux, lmz.NoOne, func(context.Context) (string, error) { return "told", nil })
			return mux
		})
		m.HandleWorker("WORKER", func(self lmz.Caller) lmz.Handler { return node(func() lmz.Caller { return self }) })
		m.HandleObject("OBJECT", object.Kind{New: func(o *object.Object) lmz.Handler { return node(func() lmz.Caller { return o }) }})
		var bob *meshtest.Client
		onlyDo := func(_ context.Context, req *lmz.Request) error {
			if req.Method != string(do) {
				return lmz.Errorf("not %s", req.Method)
			}
			return nil
		}
		bob = m.NewClient("bob", nil, client.Options{Tab: "t", OnBeforeCall: onlyDo, Handler: node(func() lmz.Caller { return bob })})
		if err := bob.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		ann := m.Client("ann", nil, client.Options{})
		for _, to := range []lmz.Address{lmz.Worker("WORKER"), lmz.At("OBJECT", "o"), lmz.At(lmz.DefaultGateway, "bob.t")} {
			if _, err := do.Call(t.Context(), ann, to); err != nil {
				t.Fatalf("%s: %v", to, err)
			}
			time.Sleep(time.Second)
			var all []string
			for len(got) > 0 {
				all = append(all, <-got)
			}
			if len(all) != 1 || all[0] != "bad guard" {
				t.Errorf("%s: %q", to, all)
			}
		}
	})
}
