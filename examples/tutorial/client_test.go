package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/auth"
	"github.com/lumenize/lmz/gateway"
)

// restartable runs the program at a real address and can restart its mesh.
type restartable struct {
	t   *testing.T
	dir string
	url string

	mu    sync.Mutex // guards the following fields
	users *auth.Service
	mesh  *gateway.Gateway
	serve http.Handler
}

func startRestartable(t *testing.T) *restartable {
	r := &restartable{t: t, dir: t.TempDir()}
	server := httptest.NewServer(r)
	r.url = server.URL
	r.open()
	t.Cleanup(func() {
		r.close()
		server.Close()
	})
	return r
}

func (r *restartable) open() {
	mailbox := new(auth.Mailbox)
	users, mesh, err := open(r.dir, r.url, mailbox)
	if err != nil {
		r.t.Error(err)
		return
	}
	mesh.HandleWorker("PROBE", newProbe)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users, r.mesh, r.serve = users, mesh, routes(users, mesh, mailbox)
}

func (r *restartable) close() {
	if err := r.mesh.Close(); err != nil {
		r.t.Error(err)
	}
	if err := r.users.Close(); err != nil {
		r.t.Error(err)
	}
}

// ServeHTTP restarts the mesh at /restart.
func (r *restartable) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/restart" {
		r.close()
		r.open()
		return
	}
	r.mu.Lock()
	serve := r.serve
	r.mu.Unlock()
	serve.ServeHTTP(w, request)
}

// newProbe returns a worker that calls a method of a client and reports the outcome.
func newProbe(self lmz.Caller) lmz.Handler {
	methods := new(lmz.Mux)
	methods.Expose("tell", lmz.Anyone, lmz.HandlerFunc(func(ctx context.Context, req *lmz.Request) (any, error) {
		var instance, method string
		if err := req.Arg(0, &instance); err != nil {
			return nil, err
		}
		if err := req.Arg(1, &method); err != nil {
			return nil, err
		}
		var args []any
		for _, arg := range req.Args[2:] {
			args = append(args, arg)
		}
		_, err := self.CallRaw(ctx, lmz.At(lmz.DefaultGateway, instance), lmz.Ctn(method, args...))
		return method + ": " + string(lmz.CodeOf(err)), nil
	}))
	return methods
}

// compiled copies the client's programs and the package that they import into a folder and
// compiles them.
func compiled(t *testing.T) string {
	t.Helper()
	const modules = "../../web/testdata/programs/node_modules"
	if _, err := os.Stat(modules + "/typescript"); err != nil {
		t.Fatal("the npm packages are missing: run make setup")
	}
	dir := t.TempDir()
	for from, to := range map[string]string{
		"client/editor.ts": "editor.ts", "client/main.ts": "main.ts", "client/tsconfig.json": "tsconfig.json",
		"testdata/check.ts": "check.ts", "../../web/testdata/programs/run.mjs": "run.mjs", "../../web/testdata/programs/package.json": "package.json",
	} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, to), data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	command(t, "../..", "node", "scripts/build-npm.mjs", filepath.Join(dir, "node_modules/@lumenize/lmz"))
	for _, name := range []string{"ws", "@typescript", "typescript"} {
		target, err := filepath.Abs(filepath.Join(modules, name))
		if err == nil {
			err = os.Symlink(target, filepath.Join(dir, "node_modules", name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tsc, err := filepath.Abs(modules + "/.bin/tsc")
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, tsc, "-p", ".")
	return dir
}

// command runs a program in a folder and returns what it prints.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(name), err, out, &stderr)
	}
	return string(out)
}

func TestEditorClientOfTheTutorial(t *testing.T) {
	dir := compiled(t)
	r := startRestartable(t)
	token, err := auth.Mint(r.dir, func(string) string { return "" }, "ann@example.com", false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		program string
		want    []string
	}{
		// It subscribes when it opens the document, and again when it reconnects.
		{"main", []string{"content: ", "content: ", "content: Teh quick brown fox", "Teh at 0: the"}},
		{"check", []string{
			"WebSocket is not available. In Node.js, provide WebSocket in config.",
			"instanceName is only available after connected state. When instanceName is auto-generated, it is constructed during the first connection.", "ann.tab",
			"content: Teh quick brown fox", "content: Teh quick brown fox",
			`content: Teh cat; findings: [{"word":"Teh","position":0,"suggestions":["the"]}]`, "content: Teh cat",
			"null, connected",
			"restart: 200", "content: Teh cat", "content: Teh cat",
			"content: The cat", "content: The cat",
			"content: The dog",
			"handleContentUpdate: ", "handleSubscribeResult: absent", "openDocument: absent",
			"",
		}},
	} {
		var got []string
		output := command(t, dir, "node", "run.mjs", "./out/"+tt.program+".js", r.url, token)
		if err := json.Unmarshal([]byte(output), &got); err != nil {
			t.Fatalf("%s: %v: %s", tt.program, err, output)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s said\n%s\nwant\n%s", tt.program, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}
