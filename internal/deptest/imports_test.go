// Package deptest tests rules about the whole repository: imports, docs, sizes, and comments.
package deptest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/lumenize/lmz"

type pkg struct {
	Name       string
	ImportPath string
	Imports    []string
	Deps       []string
}

// list asks the go tool for packages and their imports.
func list(t *testing.T, env []string, patterns ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps=false", "-json=Name,ImportPath,Imports,Deps"}, patterns...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for decoder := json.NewDecoder(out); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return all
}

// mayImport lists, for each of our packages, which of our packages it may import, by path below
// the module. An unlisted package is a program or a test, and may import anything except
// meshtest.
var mayImport = map[string][]string{
	"internal/node":              {"", "internal/scope", "internal/errtype"},
	"internal/errtype":           {},
	"mergepatch":                 {},
	"internal/scope":             {},
	"":                           {"internal/scope", "internal/errtype"},
	"internal/turn":              {""},
	"internal/budget":            {"", "internal/node"},
	"internal/descriptors":       {},
	"internal/filelock":          {},
	"internal/wholefile":         {},
	"internal/textin":            {"text"},
	"internal/credential":        {},
	"internal/httphead":          {},
	"internal/origin":            {},
	"internal/link":              {},
	"internal/mailsink":          {},
	"internal/oracle":            {},
	"internal/cost":              {},
	"internal/value/valuetest":   {""},
	"internal/memnet":            {},
	"internal/printable":         {},
	"internal/faultnet":          {},
	"internal/cbordoc":           {""},
	"internal/value":             {"", "internal/cbordoc"},
	"internal/record":            {"internal/value"},
	"internal/jsonwire":          {"", "internal/cbordoc", "internal/value", "internal/proto"},
	"internal/proto":             {"", "internal/cbordoc", "internal/value", "internal/node", "internal/scope"},
	"internal/session":           {"", "internal/proto", "internal/errtype"},
	"internal/dialect":           {"", "internal/proto", "internal/jsonwire", "internal/value", "internal/cbordoc"},
	"internal/failpoint":         {},
	"internal/cron":              {},
	"internal/store":             {"", "internal/proto"},
	"internal/wake":              {"", "internal/store"},
	"internal/store/sqldb":       {"", "internal/failpoint", "internal/proto", "internal/store", "internal/jsonwire"},
	"internal/store/sqlite":      {"", "internal/descriptors", "internal/failpoint", "internal/filelock", "internal/proto", "internal/store", "internal/store/sqldb", "internal/wake"},
	"internal/store/memory":      {"", "internal/proto", "internal/store", "internal/store/sqldb", "internal/wake"},
	"internal/store/storetest":   {"", "internal/proto", "internal/store", "internal/store/memory", "internal/wake"},
	"client":                     {"", "internal/proto", "internal/session", "internal/dialect", "internal/link", "internal/turn", "internal/node", "internal/scope", "internal/jsonwire"},
	"object":                     {"", "internal/proto", "internal/record", "internal/turn", "internal/budget", "internal/node", "internal/scope", "internal/store", "internal/store/sqlite", "internal/store/memory", "internal/wake", "internal/cron", "internal/failpoint", "internal/errtype", "internal/jsonwire", "internal/value"},
	"gateway":                    {"", "internal/proto", "gateway/admin", "gateway/internal/adminnode", "gateway/internal/clients", "gateway/internal/logs", "gateway/internal/worker", "gateway/internal/authority", "internal/session", "internal/dialect", "internal/link", "internal/credential", "internal/httphead", "internal/origin", "internal/printable", "internal/turn", "internal/budget", "object", "internal/node", "internal/errtype", "internal/jsonwire", "internal/value"},
	"gateway/internal/clients":   {"", "gateway/internal/authority", "gateway/internal/logs", "internal/budget", "internal/dialect", "internal/link", "internal/node", "internal/errtype", "internal/proto", "internal/session", "internal/value"},
	"gateway/admin":              {"", "object", "internal/value"},
	"gateway/internal/adminnode": {"", "gateway/admin", "gateway/internal/authority", "gateway/internal/logs", "gateway/internal/worker", "object", "internal/budget", "internal/node", "internal/printable", "internal/proto", "internal/value"},
	"gateway/internal/logs":      {"", "internal/printable", "internal/proto"},
	"gateway/internal/worker":    {"", "gateway/internal/logs", "internal/budget", "internal/errtype", "internal/node", "internal/proto", "internal/turn"},
	"gateway/internal/authority": {""},
	"debug":                      {"internal/printable"},
	"chain":                      {"", "internal/proto", "internal/scope", "internal/value"},
	"text":                       {},
	"examples/editor":            {"", "object", "client", "text"},
	"tui":                        {"", "client", "text", "examples/editor", "internal/filelock", "internal/printable", "internal/textin", "internal/wholefile"},
	"web":                        {"internal/httphead"},

	"auth/internal/secret":    {},
	"auth/internal/duration":  {},
	"auth/internal/turnstile": {},
	"auth/internal/limit":     {},
	"auth/internal/private":   {"internal/textin"},
	"auth/internal/remote":    {"internal/origin"},
	"auth/internal/page":      {"internal/origin"},
	"auth/internal/keys":      {"auth/internal/private", "internal/wholefile"},
	"auth/internal/token":     {"auth/internal/secret", "auth/internal/keys"},
	"auth/internal/store":     {"auth/internal/secret", "auth/internal/private"},
	"auth/internal/mail":      {"auth/internal/secret"},
	"auth/internal/sender":    {"auth/internal/mail", "internal/origin", "internal/printable"},
	"auth/internal/outbox":    {"auth/internal/mail", "auth/internal/store", "auth/internal/keys"},
	"auth": {"", "internal/textin", "internal/wholefile", "internal/credential", "internal/printable", "internal/httphead", "internal/origin",
		"auth/internal/secret", "auth/internal/duration", "auth/internal/turnstile", "auth/internal/limit", "auth/internal/private", "auth/internal/remote",
		"auth/internal/page", "auth/internal/keys", "auth/internal/token", "auth/internal/store", "auth/internal/mail", "auth/internal/sender", "auth/internal/outbox"},

	"cli/internal/hint":        {"internal/origin", "auth"},
	"cli/internal/exit":        {"", "internal/printable", "client", "cli/internal/hint"},
	"cli/internal/output":      {"internal/printable"},
	"cli/internal/jsonvalue":   {"", "internal/value", "internal/jsonwire", "internal/printable"},
	"cli/internal/console":     {"internal/printable", "internal/textin", "debug"},
	"cli/internal/flags":       {"internal/origin", "internal/textin", "auth", "gateway", "cli/internal/exit", "cli/internal/jsonvalue"},
	"cli/internal/callargs":    {"", "internal/textin", "cli/internal/exit", "cli/internal/flags", "cli/internal/hint", "cli/internal/jsonvalue"},
	"cli/internal/credentials": {"internal/filelock", "internal/origin", "internal/textin", "internal/wholefile", "auth", "cli/internal/exit"},
	"cli/internal/authclient":  {"client", "cli/internal/credentials", "cli/internal/exit"},
	"cli/internal/account": {"internal/origin", "internal/proto", "internal/textin", "client",
		"cli/internal/authclient", "cli/internal/console", "cli/internal/credentials", "cli/internal/exit", "cli/internal/hint", "cli/internal/output"},
	"cli/internal/connect": {"", "internal/credential", "client", "debug", "gateway", "gateway/admin",
		"cli/internal/account", "cli/internal/console", "cli/internal/exit", "cli/internal/flags", "cli/internal/hint", "cli/internal/output"},
	"cli/internal/catalog": {"", "client", "gateway", "cli/internal/callargs", "cli/internal/exit", "cli/internal/output", "gateway/admin"},
	"cli/internal/signin": {"internal/httphead", "internal/origin",
		"cli/internal/authclient", "cli/internal/console", "cli/internal/exit", "cli/internal/hint", "cli/internal/output"},
	"cli/internal/datadir":    {"cli/internal/exit", "cli/internal/hint"},
	"cli/internal/signals":    {"cli/internal/exit"},
	"cli/internal/httpserver": {"internal/httphead"},
	"cli/internal/server": {"", "internal/descriptors", "internal/textin", "auth", "debug", "examples/editor", "gateway", "object", "web",
		"cli/internal/exit", "cli/internal/httpserver"},
}

// forTests are the packages that only tests may import, and meshtest.
var forTests = map[string]bool{"meshtest": true, "internal/memnet": true, "internal/faultnet": true, "internal/mailsink": true, "internal/oracle": true, "internal/cost": true, "internal/value/valuetest": true, "internal/store/storetest": true}

func TestImportRules(t *testing.T) {
	for _, p := range list(t, nil, module+"/...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		allowed, listed := mayImport[name]
		for _, imported := range p.Imports {
			ours, ok := strings.CutPrefix(imported, module)
			if !ok {
				continue
			}
			ours = strings.TrimPrefix(ours, "/")
			if forTests[ours] && name != "meshtest" {
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imported)
			}
			if listed && !contains(allowed, ours) {
				t.Errorf("%s imports %s: the import rule forbids it", p.ImportPath, imported)
			}
		}
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// heavy lists the packages that must not be linked into the browser's module, and the reasons.
var heavy = map[string]string{
	"net/http":                     "1.5 MB of module",
	"encoding/json":                "250 kB of module; internal/jsonwire reads the little JSON there is",
	"log/slog":                     "it brings encoding/json",
	"github.com/coder/websocket":   "it brings net/http, and loses close codes in browsers",
	"github.com/fxamacker/cbor/v2": "400 kB of module; internal/value has the codec",
	"zombiezen.com/go/sqlite":      "objects do not live in browsers",
	"golang.org/x/net/idna":        "browsers convert names themselves, and its tables are large",
	"testing":                      "it is not part of a program",
}

func TestImportsOfBrowserModule(t *testing.T) {
	js := []string{"GOOS=js", "GOARCH=wasm"}
	for _, p := range list(t, js, module+"/client", module+"/text", module+"/wasmclient") {
		for _, dep := range p.Deps {
			if why, bad := heavy[dep]; bad {
				t.Errorf("GOOS=js %s depends on %s: %s", p.ImportPath, dep, why)
			}
		}
	}
}
