package object

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/proto"
)

func TestHandlerThatIgnoresItsEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		release := make(chan bool)
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			exposeStorage(o, mux)
			lmz.Method0[bool]("ponder").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) { return <-release, nil })
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		pondering, err := w.start(ctx, box, lmz.Ctn("ponder"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		waited := w.later(box, "get", "key") // in line before the handler was abandoned
		time.Sleep(4 * time.Second)
		begin := time.Now()
		err = fails(w, box, "get", "key")
		wantCode(t, err, lmz.CodeGateway, `stuck in "ponder"`)
		if !errors.Is(err, lmz.ErrNotExecuted) || time.Since(begin) != 0 {
			t.Errorf("%v after %v, want not executed at once", err, time.Since(begin))
		}
		must[struct{}](w, lmz.At("BOX", "two"), "put", "key", "others are unaffected")
		release <- true
		if a := <-waited; a.err != nil {
			t.Errorf("the call in the line: %v", a.err)
		}
		<-pondering
		must[struct{}](w, box, "put", "key", "free again")
		w.close()
	})
}

func TestAHandlerThatKeepsTheTurnIsReportedByName(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		w.mesh["SLOW"] = worker{lmz.HandlerFunc(func(context.Context, *lmz.Request) (any, error) {
			time.Sleep(5 * time.Second)
			return nil, nil
		})}
		w.register("BOX", func(o *Object, mux *lmz.Mux) {
			lmz.Method0[bool]("block").Expose(mux, lmz.Anyone, func(context.Context) (bool, error) {
				time.Sleep(5 * time.Second)
				return true, nil
			})
			lmz.Method0[bool]("call").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				_, err := o.CallRaw(ctx, lmz.Worker("SLOW"), lmz.Ctn("x"))
				time.Sleep(999 * time.Millisecond)
				return true, err
			})
			lmz.Method0[bool]("store").Expose(mux, lmz.Anyone, func(ctx context.Context) (bool, error) {
				for i := range 5 {
					time.Sleep(900 * time.Millisecond)
					if err := o.KV().Put(ctx, fmt.Sprint(i), i); err != nil {
						return false, err
					}
				}
				return true, nil
			})
		})
		reports := func(method string) (n int) {
			for line := range strings.Lines(w.log.String()) {
				if strings.Contains(line, "keeps the turn") && strings.Contains(line, "binding=BOX instance=one method="+method+" ") {
					n++
				}
			}
			return n
		}
		must[bool](w, box, "call")
		must[bool](w, box, "store")
		if reports("call")+reports("store") != 0 {
			t.Errorf("calls and storage were reported:\n%s", w.log)
		}
		ctx, cancel := proto.WithDeadline(t.Context())
		defer cancel()
		blocking, err := w.start(ctx, box, lmz.Ctn("block"))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1001 * time.Millisecond)
		if reports("block") != 1 {
			t.Errorf("not reported after a second:\n%s", w.log)
		}
		<-blocking
		if reports("block") != 1 {
			t.Errorf("reported more than once:\n%s", w.log)
		}
		w.close()
	})
}

func TestObjectsIdleForLongest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dir)
		w.rt.maxOpen = 3
		w.registerKind("BOX", Kind{Idle: -1, New: func(o *Object) lmz.Handler {
			mux := &lmz.Mux{}
			exposeStorage(o, mux)
			return mux
		}})
		use := func(names string) {
			for _, name := range names {
				must[struct{}](w, lmz.At("BOX", string(name)), "put", "key", "value")
				synctest.Wait()
			}
		}
		open := func() (names string) {
			w.rt.mu.Lock()
			defer w.rt.mu.Unlock()
			for _, name := range "abcdefgh" {
				if w.rt.objects[lmz.At("BOX", string(name))] != nil {
					names += string(name)
				}
			}
			return names
		}
		for _, test := range []struct{ use, want string }{{"abc", "abc"}, {"ad", "acd"}, {"cef", "cef"}, {"c", "cef"}, {"g", "cfg"}} {
			use(test.use)
			if got := open(); got != test.want {
				t.Errorf("after %s: open are %s, want %s", test.use, got, test.want)
			}
		}
		w.close()
	})
}
