package patterns_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/cli"
	"github.com/lumenize/lmz/examples/patterns"
	"github.com/lumenize/lmz/gateway"
	"github.com/lumenize/lmz/object"
)

// tokenOf returns an unsigned token, which the gateway of this test accepts.
func tokenOf(subject string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q}`, subject)) + ".none"
}

func believe(_ context.Context, token string) (*lmz.Auth, error) {
	for _, subject := range []string{"ann", "root"} {
		if token == tokenOf(subject) {
			return &lmz.Auth{Subject: subject, Claims: map[string]any{"isAdmin": subject == "root"}}, nil
		}
	}
	return nil, errors.New("unknown token")
}

// TestChainsOfCalls runs the commands of the documentation on the nodes of these patterns.
func TestChainsOfCalls(t *testing.T) {
	g, err := gateway.New(gateway.Options{Dir: t.TempDir(), Verify: believe})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.HandleObject(patterns.VaultBinding, object.Kind{New: patterns.NewVault})
	g.HandleWorker("CALC", func(lmz.Caller) lmz.Handler {
		mux := new(lmz.Mux)
		lmz.Method2[int, int, int]("add").Expose(mux, lmz.Anyone, func(_ context.Context, a, b int) (int, error) { return a + b, nil })
		mux.Expose("echo", lmz.Anyone, lmz.HandlerFunc(func(_ context.Context, req *lmz.Request) (any, error) { return req.Args[0], nil }))
		return mux
	})
	server := httptest.NewServer(g)
	defer server.Close()
	for _, tt := range []struct {
		user string
		args []string
		code int
		out  string
	}{
		{"ann", []string{"call", "CALC", "-", "--chain", "add(add(1,10),100)"}, 0, "111"},
		{"ann", []string{"call", "CALC", "-", "--chain", `echo({list: [add(1, 2), 'x', true, null], "big": 12n})`}, 0, `{"big":12,"list":[3,"x",true,null]}`},
		{"ann", []string{"call", "CALC", "-", "--rich", "--chain", `echo([12n, undefined])`}, 0,
			`{"json":[{"$type":"bigint","value":"12"},{"$type":"undefined"}],"meta":{}}`},
		{"ann", []string{"call", "CALC", "-", "echo", `{"json":{"$type":"date","iso":"2026-01-30T12:00:00.000Z"},"meta":{}}`}, 0, `"2026-01-30T12:00:00Z"`},
		{"ann", []string{"call", "CALC", "-", "--rich", "echo", `{"json":{"$type":"date","iso":"2026-01-30T12:00:00.000Z"},"meta":{}}`}, 0,
			`{"json":{"$type":"date","iso":"2026-01-30T12:00:00.000Z"},"meta":{}}`},
		{"ann", []string{"call", "VAULT_DO", "v", "put", `"gold"`}, 0, ""},
		{"ann", []string{"call", "VAULT_DO", "v", "--chain", "admin().forceReset()"}, 5, ""},
		{"ann", []string{"can", "--explain", "VAULT_DO", "v", "admin"}, 5, "no: admin on VAULT_DO/v is refused by onlyAdmins: NotAdminError: ann is no administrator"},
		{"root", []string{"can", "--explain", "VAULT_DO", "v", "admin"}, 0, "yes: the guard onlyAdmins allows admin on VAULT_DO/v"},
		{"root", []string{"call", "VAULT_DO", "v", "--chain", "admin().forceReset()"}, 0, `"gold"`},
	} {
		var out, errs bytes.Buffer
		env := map[string]string{"LMZ_SERVER": server.URL, "LMZ_ACCESS_TOKEN": tokenOf(tt.user), "LMZ_CONFIG_DIR": t.TempDir()}
		code := cli.Main(t.Context(), tt.args, cli.Streams{
			In: strings.NewReader(""), Out: &out, Err: &errs, Getenv: func(name string) string { return env[name] },
		})
		if got := strings.TrimSpace(out.String()); code != tt.code || got != tt.out {
			t.Errorf("%s: lmz %q: exit code %d, %q, want %d, %q; %s", tt.user, tt.args, code, got, tt.code, tt.out, errs.String())
		}
	}
}
