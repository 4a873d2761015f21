package cli_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli"
	"github.com/lumenize/lmz/gateway"
)

// annsToken has the shape of a JWT; the meshes of these tests do not verify it.
const annsToken = "e30.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl" // {"sub":"ann"}

// stuck starts a mesh with a worker whose method wait reports that it runs, and then hangs until
// the test ends.
func stuck(t *testing.T) (url string, begun chan struct{}) {
	t.Helper()
	begun = make(chan struct{}, 10)
	end := make(chan struct{})
	mesh, err := gateway.New(gateway.Options{
		Dir:    t.TempDir(),
		Verify: func(context.Context, string) (*lmz.Auth, error) { return &lmz.Auth{Subject: "ann"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	mesh.HandleWorker("STUCK_WORKER", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method0[struct{}]("wait").Expose(mux, lmz.Anyone, func(context.Context) (struct{}, error) {
			begun <- struct{}{}
			<-end
			return struct{}{}, nil
		})
		return mux
	})
	server := httptest.NewServer(mesh)
	t.Cleanup(func() {
		close(end)
		server.Close()
		mesh.Close()
	})
	return server.URL, begun
}

// result is how a run of lmz ended.
type result struct {
	code        int
	stdout, err string
}

func runLmz(ctx context.Context, server string, args ...string) result {
	var out, errs bytes.Buffer
	env := map[string]string{"LMZ_SERVER": server, "LMZ_ACCESS_TOKEN": annsToken}
	code := cli.Main(ctx, args, cli.Streams{
		In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(name string) string { return env[name] },
	})
	return result{code, out.String(), errs.String()}
}

func (r result) want(t *testing.T, code int, message string) {
	t.Helper()
	if r.code != code || !strings.HasPrefix(r.err, message) || strings.Count(r.err, "\n") != 1 {
		t.Errorf("exit code %d, stderr %q; want %d and %q", r.code, r.err, code, message)
	}
}

func TestDeadlineAfterSending(t *testing.T) {
	url, _ := stuck(t)
	r := runLmz(t.Context(), url, "call", "--timeout", "300ms", "STUCK_WORKER", "-", "wait")
	r.want(t, 7, "lmz: wait on STUCK_WORKER was sent, but its outcome is unknown: ")
}

func TestExitCodeOfSupersededCall(t *testing.T) {
	url, begun := stuck(t)
	first := make(chan result)
	go func() { first <- runLmz(t.Context(), url, "call", "--tab", "one", "STUCK_WORKER", "-", "wait") }()
	<-begun
	second := runLmz(t.Context(), url, "call", "--tab", "one", "STUCK_WORKER", "-", "nonsense")
	second.want(t, 6, `lmz: nonsense on STUCK_WORKER: no method "nonsense" is exposed here`)
	(<-first).want(t, 7, "lmz: wait on STUCK_WORKER was sent, but its outcome is unknown: ")
}

func TestExitCodeOfInterruptedCall(t *testing.T) {
	url, begun := stuck(t)
	ctx, interrupt := context.WithCancel(t.Context())
	done := make(chan result)
	go func() { done <- runLmz(ctx, url, "call", "STUCK_WORKER", "-", "wait") }()
	<-begun
	interrupt()
	(<-done).want(t, 130, "lmz: interrupted: wait on STUCK_WORKER ")
}

// broken is a stdout with a bug.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic("written to a broken stream") }

func TestExitCodeOfPanic(t *testing.T) {
	var errs bytes.Buffer
	code := cli.Main(t.Context(), []string{"version"}, cli.Streams{
		In: strings.NewReader(""), Out: broken{}, Err: &errs, Getenv: func(string) string { return "" },
	})
	first, stack, _ := strings.Cut(errs.String(), "\n")
	if code != 70 || first != "lmz: bug in lmz; please report it with the following: written to a broken stream" ||
		!strings.Contains(stack, "broken.Write") {
		t.Errorf("exit code %d, stderr %s", code, errs.String())
	}
}

func TestForeignTextInErrors(t *testing.T) {
	mesh, err := gateway.New(gateway.Options{
		Dir:    t.TempDir(),
		Verify: func(context.Context, string) (*lmz.Auth, error) { return &lmz.Auth{Subject: "ann"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer mesh.Close()
	mesh.HandleWorker("EVIL_WORKER", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method0[string]("fail").Expose(mux, lmz.Anyone, func(context.Context) (string, error) {
			return "", lmz.Errorf("one\nlmz: two\x1b]0;title\x07\u009b31m")
		})
		lmz.Method0[string]("answer").Expose(mux, lmz.Anyone, func(context.Context) (string, error) {
			return "a\x1b[31m\u009b31m\x7f<&>\u2028", nil
		})
		return mux
	})
	server := httptest.NewServer(mesh)
	defer server.Close()
	r := runLmz(t.Context(), server.URL, "call", "EVIL_WORKER", "-", "answer", "+", "fail")
	r.want(t, 1, "lmz: fail on EVIL_WORKER failed: one lmz: two\\u001b]0;title\\u0007\\u009b31m\n")
	if want := `"a\u001b[31m\u009b31m\u007f<&>\u2028"` + "\n"; r.stdout != want {
		t.Errorf("stdout %q, want %q", r.stdout, want)
	}
}

func TestGreetingWithProgramPath(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	code := cli.Main(stopped, []string{"dev", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--no-browser"}, cli.Streams{
		In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(string) string { return "" }, Program: "bin/lmz",
	})
	if code != 0 || !strings.Contains(out.String(), "\n  bin/lmz login magic-link ") ||
		!strings.Contains(out.String(), "\n  bin/lmz edit notes\n") {
		t.Errorf("exit code %d, stdout %s, stderr %s", code, out.String(), errs.String())
	}
}

func TestHintsWithProgramPath(t *testing.T) {
	var errs bytes.Buffer
	s := cli.System() // of this test, which go test starts by its path
	s.Err = &errs
	code := cli.Main(t.Context(), []string{"cat"}, s)
	if want := "\nTry: " + os.Args[0] + " cat --help\n"; code != 2 || !strings.HasSuffix(errs.String(), want) {
		t.Errorf("exit code %d, stderr %q, want %q at its end", code, errs.String(), want)
	}
}
