package cli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/internal/poll"
	"github.com/lumenize/lmz/object"
)

// unableHandler is a handler that sometimes does not start.
type unableHandler struct {
	lmz.Mux
	start func() error
}

func (h *unableHandler) OnStart(context.Context) error { return h.start() }

func TestSendsCommands(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	heard := make(chan string, 10)
	mesh, err := gateway.New(gateway.Options{
		Dir: t.TempDir(),
		Verify: func(context.Context, string) (*lmz.Auth, error) {
			return &lmz.Auth{Subject: "ann", Claims: map[string]any{"isAdmin": true}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mesh.HandleObject("EAR_DO", object.Kind{New: func(*object.Object) lmz.Handler {
		h := &unableHandler{start: func() error {
			if broken.Load() {
				return lmz.Errorf("not today")
			}
			return nil
		}}
		lmz.Method1[string, struct{}]("hear").Expose(&h.Mux, lmz.Anyone, func(_ context.Context, what string) (struct{}, error) {
			heard <- what
			return struct{}{}, nil
		})
		return h
	}})
	mesh.HandleObject("MOUTH_DO", object.Kind{New: func(o *object.Object) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method2[string, string, struct{}]("say").Expose(mux, lmz.Anyone, func(ctx context.Context, method, what string) (struct{}, error) {
			return struct{}{}, o.Send(ctx, lmz.At("EAR_DO", "one"), lmz.Ctn(method, what))
		})
		return mux
	}})
	server := httptest.NewServer(mesh)
	t.Cleanup(func() {
		server.Close()
		mesh.Close()
	})
	ok := func(args ...string) string {
		t.Helper()
		r := runLmz(t.Context(), server.URL, args...)
		if r.code != 0 || r.err != "" {
			t.Fatalf("lmz %s: exit code %d, %s", strings.Join(args, " "), r.code, r.err)
		}
		return r.stdout
	}
	// await polls until the output matches, because messages leave in the background.
	await := func(what string, args ...string) string {
		t.Helper()
		var out string
		poll.Until(t, fmt.Sprintf("lmz %s says %q", strings.Join(args, " "), what), func() bool {
			out = ok(args...)
			return strings.Contains(out, what)
		})
		return out
	}
	for i := range 3 {
		ok("call", "MOUTH_DO", "a", "say", `"hear"`, fmt.Sprintf(`"%d"`, i))
	}
	table := await("3  ", "sends", "ls")
	if lines := strings.Split(table, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "MOUTH_DO/a  EAR_DO/one  3 ") || !strings.HasSuffix(lines[1], "the object could not start: not today") {
		t.Errorf("got %q", table)
	}
	var retry struct {
		To       struct{ Instance string }
		Waiting  int
		Attempts int
		Next     time.Time
	}
	if err := json.Unmarshal([]byte(ok("sends", "ls", "MOUTH_DO", "--json")), &retry); err != nil || retry.To.Instance != "one" || retry.Waiting != 3 || retry.Attempts < 1 || retry.Next.IsZero() {
		t.Errorf("got %+v, %v", retry, err)
	}
	broken.Store(false)
	for i := range 3 {
		if got := <-heard; got != fmt.Sprint(i) {
			t.Errorf("heard %q, want %d", got, i)
		}
	}
	ok("call", "MOUTH_DO", "a", "say", `"nothing"`, `"secret"`)
	table = await("no method", "sends", "dead")
	if lines := strings.Split(table, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[1], "MOUTH_DO/a  1   EAR_DO/one  nothing()  ") || strings.Contains(table, "secret") {
		t.Errorf("got %q", table)
	}
	if got := ok("sends", "dead", "MOUTH_DO", "a", "--args", "--json"); !strings.Contains(got, "secret") || !strings.Contains(got, `"unknown":false`) {
		t.Errorf("got %q", got)
	}
	if got := ok("sends", "ls"); got != "" {
		t.Errorf("still tried again: %q", got)
	}
	ok("sends", "rm", "MOUTH_DO", "a", "1")
	if got := ok("sends", "dead"); got != "" {
		t.Errorf("after the removal: %q", got)
	}
}
