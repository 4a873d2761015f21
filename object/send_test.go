package object

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

// inbox is a node that records the order of its calls, and answers at once.
type inbox struct{ got chan string }

func (i inbox) Deliver(ctx context.Context, c *proto.Call, done func(proto.Answer)) {
	_, err := proto.Execute(ctx, lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
		var text string
		err := r.Arg(0, &text)
		i.got <- text
		return nil, err
	}), c.Chain)
	done(proto.NewAnswer(nil, err))
}

func TestOrderOfATurnsSends(t *testing.T) {
	w := newWorld(t, t.TempDir())
	in := inbox{make(chan string, 100)}
	w.mesh["INBOX"] = in
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		send := func(ctx context.Context, text string) {
			if err := o.Send(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", text)); err != nil {
				t.Error(err)
			}
		}
		lmz.Method0[bool]("work").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			before := w.rt.commits.Load()
			send(ctx, "first")
			send(ctx, "second")
			if err := o.KV().Put(ctx, "key", fmt.Sprint(before)); err != nil {
				return false, err
			}
			if len(in.got) != 0 {
				t.Error("something left before the commit")
			}
			_, err := o.CallRaw(ctx, lmz.Worker("INBOX"), lmz.Ctn("note", "call"))
			if got := w.rt.commits.Load(); got != before+1 {
				t.Errorf("the call left after %d commits, want 1", got-before)
			}
			send(ctx, "last")
			return true, err
		})
		lmz.Method0[bool]("fail").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			send(ctx, "never")
			return false, lmz.Errorf("no")
		})
	})
	must[bool](w, box, "work")
	fails(w, box, "fail")
	close(in.got)
	var got []string
	for text := range in.got {
		got = append(got, text)
	}
	if want := []string{"first", "second", "call", "last"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestContextOfReplies(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(_ context.Context, r *lmz.Request) (any, error) {
		switch r.Method {
		case "double":
			var n int
			err := r.Arg(0, &n)
			return 2 * n, err
		default:
			return nil, lmz.Errorf("cannot %s", r.Method)
		}
	})}
	replies := make(chan string, 10)
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		mux.Expose("onDone", lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, r *lmz.Request) (any, error) {
			var label string
			if err := r.Arg(0, &label); err != nil {
				return nil, err
			}
			if err := o.KV().Put(ctx, label, "replied"); err != nil {
				return nil, err
			}
			c, _ := lmz.CallContextFrom(ctx)
			var n int
			var failure *lmz.Error
			if err := r.Arg(1, &n); err == nil {
				replies <- fmt.Sprintf("%s %d %v", label, n, c.Chain)
			} else if err := r.Arg(1, &failure); err == nil {
				replies <- fmt.Sprintf("%s %v %v", label, failure, c.Chain)
			} else {
				replies <- err.Error()
			}
			return nil, nil
		}))
		lmz.Method0[bool]("work").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			to := lmz.Worker("WORKER")
			return true, errors.Join(
				o.Send(ctx, to, lmz.Ctn("double", 4), lmz.Reply(lmz.Ctn("onDone", "result", lmz.Result))),
				o.Send(lmz.NewChain(ctx), to, lmz.Ctn("fly"), lmz.Reply(lmz.Ctn("onDone", "error", lmz.Result))),
				o.Send(ctx, to, lmz.Ctn("double", 4), lmz.ReplyOnError(lmz.Ctn("onDone", "quiet", lmz.Result))),
				o.Send(ctx, to, lmz.Ctn("swim"), lmz.ReplyOnError(lmz.Ctn("onDone", "loud", lmz.Result))),
			)
		})
	})
	must[bool](w, box, "work")
	got := []string{<-replies, <-replies, <-replies}
	slices.Sort(got)
	want := []string{"error cannot fly []", "loud cannot swim [CLIENT/tester]", "result 8 [CLIENT/tester]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	wantCode(t, fails(w, box, "onDone", "forged", 1), lmz.CodeGuard, "only takes replies")
}

func TestCallsMadeByAReplyMeetTheGuardsOfOthers(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.mesh["WORKER"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil })}
	result := make(chan error, 1)
	w.register("GUARDED", func(o *Object, mux *lmz.Mux) {
		mux.Expose("secret", lmz.NoOne, lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) { return nil, nil }))
	})
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		mux.Expose("onDone", lmz.NoOne, lmz.HandlerFunc(func(ctx context.Context, r *lmz.Request) (any, error) {
			_, err := o.CallRaw(ctx, lmz.At("GUARDED", "x"), lmz.Ctn("secret"))
			result <- err
			return nil, nil
		}))
		lmz.Method0[bool]("work").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
			return true, o.Send(ctx, lmz.Worker("WORKER"), lmz.Ctn("work"), lmz.Reply(lmz.Ctn("onDone")))
		})
	})
	must[bool](w, box, "work")
	if err := <-result; lmz.CodeOf(err) != lmz.CodeGuard {
		t.Errorf("got %v, want a refusal by the guard", err)
	}
}

func TestReplyToAClosedObject(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		w.mesh["SLOW"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			time.Sleep(10 * time.Second)
			return "done", nil
		})}
		made := 0
		w.registerKind("BOX", Kind{Idle: time.Second, New: func(o *Object) lmz.Handler {
			made++
			mux := &lmz.Mux{}
			exposeStorage(o, mux)
			lmz.Method0[bool]("work").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				return true, o.Send(ctx, lmz.Worker("SLOW"), lmz.Ctn("work"), lmz.Reply(lmz.Ctn("put", "key", lmz.Result)))
			})
			return mux
		}})
		must[bool](w, box, "work")
		time.Sleep(10*time.Second + 500*time.Millisecond)
		if got := must[string](w, box, "get", "key"); got != "done" {
			t.Errorf("got %q: the reply did not run", got)
		}
		if made != 2 {
			t.Errorf("the handler was made %d times, want 2", made)
		}
		w.close()
	})
}

func TestDeadlineOfASend(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		ended := make(chan time.Duration, 2)
		start := time.Now()
		w.mesh["SLOW"] = worker{lmz.HandlerFunc(func(ctx context.Context, _ *lmz.Request) (any, error) {
			<-ctx.Done()
			ended <- time.Since(start)
			return nil, nil
		})}
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("work").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				return true, errors.Join(
					o.Send(short, lmz.Worker("SLOW"), lmz.Ctn("work")),
					o.Send(ctx, lmz.Worker("SLOW"), lmz.Ctn("work")))
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		if _, err := w.CallRaw(ctx, box, lmz.Ctn("work")); err != nil {
			t.Error(err)
		}
		cancel()
		if got := []time.Duration{<-ended, <-ended}; !slices.Equal(got, []time.Duration{time.Second, lmz.DefaultTimeout}) {
			t.Errorf("got ends after %v", got)
		}
		w.close()
	})
}

func TestAnObjectMaySendOutsideOfAnyTurn(t *testing.T) {
	w := newWorld(t, t.TempDir())
	in := inbox{make(chan string, 1)}
	w.mesh["INBOX"] = in
	var object *Object
	w.register("BOX", func(o *Object, mux *lmz.Mux) {
		object = o
		exposeStorage(o, mux)
	})
	must[string](w, box, "get", "key")
	if err := object.Send(t.Context(), lmz.Worker("INBOX"), lmz.Ctn("note", "hello")); err != nil {
		t.Fatal(err)
	}
	if got := <-in.got; got != "hello" {
		t.Errorf("got %q", got)
	}
	if _, err := object.CallRaw(t.Context(), box, lmz.Ctn("put", "key", "self")); err != nil {
		t.Error(err)
	}
}

// nodeFunc is a function as a node.
type nodeFunc func(*proto.Call, func(proto.Answer))

func (f nodeFunc) Deliver(_ context.Context, c *proto.Call, done func(proto.Answer)) { f(c, done) }
