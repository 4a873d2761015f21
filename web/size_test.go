package web

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// budget is web/size.json: the most that a page may load, in bytes as the gateway sends
// them.
type budget struct {
	Module   sizes `json:"module"`   // lmz.wasm
	Scripts  sizes `json:"scripts"`  // the JavaScript face and Go's own wasm_exec.js
	Page     sizes `json:"page"`     // the page's module, which includes collaborative text, and its bundle
	Packages int   `json:"packages"` // that the module is linked from
}

type sizes struct {
	Raw    int `json:"raw"`
	Gzip   int `json:"gzip"`
	Brotli int `json:"brotli"`
}

func TestSizeBudget(t *testing.T) {
	var limit, got budget
	data, err := os.ReadFile("size.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &limit); err != nil {
		t.Fatal(err)
	}
	assets := load(mustSub())
	if assets["lmz/lmz.wasm"] == nil {
		t.Fatal("the page is not built: run node scripts/build-web.mjs first")
	}
	for name := range assets {
		switch {
		case name == "lmz/lmz.wasm":
			got.Module.add(served(t, name))
		case name == "page.wasm", name == "app.js":
			got.Page.add(served(t, name))
		case strings.HasPrefix(name, "lmz/") && strings.HasSuffix(name, ".js"):
			got.Scripts.add(served(t, name))
		}
	}
	list := exec.Command("go", "list", "-deps", "../wasmclient")
	list.Env, list.Stderr = append(os.Environ(), "GOOS=js", "GOARCH=wasm"), t.Output()
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	got.Packages = strings.Count(string(out), "\n")
	t.Logf("%-16s %10s %10s", "bytes", "is", "may be")
	for _, row := range []struct {
		what    string
		is, may int
	}{
		{"module: raw", got.Module.Raw, limit.Module.Raw},
		{"module: gzip", got.Module.Gzip, limit.Module.Gzip},
		{"module: brotli", got.Module.Brotli, limit.Module.Brotli},
		{"scripts: raw", got.Scripts.Raw, limit.Scripts.Raw},
		{"scripts: gzip", got.Scripts.Gzip, limit.Scripts.Gzip},
		{"scripts: brotli", got.Scripts.Brotli, limit.Scripts.Brotli},
		{"page: raw", got.Page.Raw, limit.Page.Raw},
		{"page: gzip", got.Page.Gzip, limit.Page.Gzip},
		{"page: brotli", got.Page.Brotli, limit.Page.Brotli},
		{"packages", got.Packages, limit.Packages},
	} {
		t.Logf("%-16s %10d %10d", row.what, row.is, row.may)
		if row.is > row.may {
			t.Errorf("%s: %d is more than web/size.json allows, %d", row.what, row.is, row.may)
		}
	}
}

func (s *sizes) add(more sizes) {
	s.Raw += more.Raw
	s.Gzip += more.Gzip
	s.Brotli += more.Brotli
}

// served requests a file from the handler as browsers do.
func served(t *testing.T, name string) sizes {
	t.Helper()
	length := func(accept, want string) int {
		r := httptest.NewRequest("GET", "/"+name, nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		Handler(Options{}).ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("%s for %q came as %q", name, accept, got)
		}
		return w.Body.Len()
	}
	return sizes{Raw: length("", ""), Gzip: length("gzip, deflate", "gzip"), Brotli: length("gzip, deflate, br, zstd", "br")}
}
