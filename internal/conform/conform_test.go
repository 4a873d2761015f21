//go:build !js

package conform

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lumenize/lmz/client"
	"github.com/lumenize/lmz/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNativeSocketConformance(t *testing.T) {
	server := httptest.NewServer(NewServer())
	defer server.Close()
	for _, c := range Cases {
		t.Run(c.Name, func(t *testing.T) {
			c.Run(t, client.DialWith(nil), strings.Replace(server.URL, "http", "ws", 1))
		})
	}
}

func TestMemorySocketConformance(t *testing.T) {
	network := memnet.New()
	server := &http.Server{Handler: NewServer()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(network)
	}()
	defer func() {
		server.Close()
		<-done
	}()
	for _, c := range Cases {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, client.DialWith(network.Client()), "ws://mesh") })
	}
}

func TestJavaScriptSocketConformance(t *testing.T) {
	server := httptest.NewServer(NewServer())
	defer server.Close()
	for _, source := range []string{"../../client/ws_js.go", "js/main.go"} { // inputs of a cached test result
		if _, err := os.ReadFile(source); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(t.TempDir(), "conform.wasm")
	build := exec.Command("go", "build", "-o", program, "./js")
	build.Env, build.Stderr = append(os.Environ(), "GOOS=js", "GOARCH=wasm"), t.Output()
	if err := build.Run(); err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec_node.js")
	run := exec.CommandContext(t.Context(), "node", "--experimental-websocket", script, program, strings.Replace(server.URL, "http", "ws", 1))
	run.Env = append(os.Environ(), "NODE_NO_WARNINGS=1")
	out, err := run.CombinedOutput()
	if want := "ok " + strconv.Itoa(len(Cases)) + "\n"; err != nil || string(out) != want {
		t.Errorf("%v:\n%s", err, out)
	}
}
