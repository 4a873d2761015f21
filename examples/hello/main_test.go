package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// lmzCommand runs an lmz command whose entire environment is env.
func lmzCommand(t *testing.T, env map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Streams{
		In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(name string) string { return env[name] },
	})
	return out.String(), errs.String(), code
}

func wantLmz(t *testing.T, env map[string]string, want string, args ...string) {
	t.Helper()
	out, errs, code := lmzCommand(t, env, args...)
	if code != 0 || out != want {
		t.Errorf("lmz %q: exit code %d, stdout %q, want %q; stderr %q", args, code, out, want, errs)
	}
}

// startHello builds the program, runs it on a free port and returns its address.
func startHello(t *testing.T, data string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "hello")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	hello := exec.Command(program, "-addr", "127.0.0.1:0", "-data", data)
	output, err := hello.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hello.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		hello.Process.Kill()
		hello.Wait()
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), "hello runs at ")
	if !found {
		t.Fatalf("hello says %q, %v", line, err)
	}
	return url
}

func TestLmzCall(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	url := startHello(t, data)
	token, errs, code := lmzCommand(t, nil, "token", "mint", "--data", data, "--email", "ann@example.com")
	if code != 0 {
		t.Fatalf("no token: %s", errs)
	}
	env := map[string]string{"LMZ_SERVER": url, "LMZ_ACCESS_TOKEN": strings.TrimSpace(token)}
	wantLmz(t, env, "2\n5\n", "call", "COUNTER_DO", "visits", "add", "2", "+", "add", "3")
	wantLmz(t, env, "\"Hello, Ann!\"\n", "call", "GREETER_WORKER", "-", "greet", `"Ann"`)
	wantLmz(t, env, "ann@example.com at "+url+"\n", "whoami")

	for path, want := range map[string]string{"/": "Hello from my own mesh.", "/dev/mail?format=json": "[]"} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || strings.TrimSpace(string(body)) != want {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
}

// A mesh does not need package auth: any function that maps a token to its subject will do, and a
// token may be any text.
func TestVerifyFunction(t *testing.T) {
	const annsToken = "key/7f3a+Zg=="
	mesh, err := gateway.New(gateway.Options{
		Dir: t.TempDir(),
		Verify: func(_ context.Context, token string) (*lmz.Auth, error) {
			if token != annsToken {
				return nil, errors.New("unknown token")
			}
			return &lmz.Auth{Subject: "ann"}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer mesh.Close()
	mesh.HandleObject("COUNTER_DO", object.Kind{New: newCounter})
	server := httptest.NewServer(mesh)
	defer server.Close()
	env := map[string]string{"LMZ_SERVER": server.URL, "LMZ_ACCESS_TOKEN": annsToken}
	wantLmz(t, env, "7\n", "call", "COUNTER_DO", "visits", "add", "7")

	wantLmz(t, env, "ann at "+server.URL+"\n", "whoami")

	env["LMZ_ACCESS_TOKEN"] = annsToken + "x"
	if _, errs, code := lmzCommand(t, env, "call", "COUNTER_DO", "visits", "add", "7"); code != 4 {
		t.Errorf("a forged token: exit code %d, stderr %q", code, errs)
	}
}

func TestLinesOfTheProgram(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n >= 60 {
		t.Errorf("%d lines", n)
	}
}
