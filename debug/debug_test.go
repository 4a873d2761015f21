//go:build !js

package debug_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/lumenize/lmz/debug"
)

func TestAFilterMeansWhatTheOriginalsDoes(t *testing.T) {
	for _, tt := range []struct {
		filter, namespace string
		level             debug.Level
		want              bool
	}{
		{"", "app", debug.Warn, false},
		{"", "app", debug.Error, true},
		{"-*", "app", debug.Error, true},
		{"app", "app", debug.Debug, true},
		{"app", "app.part", debug.Debug, true},
		{"app", "apple", debug.Warn, false},
		{"app*", "apple", debug.Debug, true},
		{"app.*", "app", debug.Debug, true},
		{"app.*", "app.part.piece", debug.Debug, true},
		{"app.*", "apple", debug.Debug, false},
		{"*", "anything", debug.Debug, true},
		{"*", "", debug.Debug, true},
		{"App", "app", debug.Debug, false},
		{"app:warn", "app", debug.Info, false},
		{"app:warn", "app", debug.Warn, true},
		{"app:*", "app.part", debug.Debug, true},
		{"app:nonsense", "app", debug.Debug, true},
		{"*,-app", "app.part", debug.Warn, false},
		{"-app, *", "other", debug.Debug, true},
		{"*,-app:info", "app", debug.Info, false},
		{"*,-app:info", "app", debug.Debug, true},
		{"one\ttwo\nthree", "two", debug.Debug, true},
		{",, -,", "app", debug.Warn, false},
		{"lmz.gateway:*,-lmz.gateway.session", "lmz.gateway.session", debug.Debug, false},
		{"lmz.gateway:*,-lmz.gateway.session", "lmz.gateway.call", debug.Debug, true},
	} {
		if got := debug.ParseFilter(tt.filter).Allows(tt.namespace, tt.level); got != tt.want {
			t.Errorf("%q, %s %s: %v, want %v", tt.filter, tt.namespace, tt.level, got, tt.want)
		}
	}
}

func TestTheHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var out bytes.Buffer
	err := slogtest.TestHandler(debug.NewHandler(&out, debug.ParseFilter("*")), func() []map[string]any {
		var all []map[string]any
		for line := range strings.Lines(out.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			data, _ := m["data"].(map[string]any)
			if data == nil {
				data = make(map[string]any)
			}
			data[slog.LevelKey], data[slog.MessageKey] = m["level"], m["message"]
			if at, ok := m["timestamp"]; ok {
				data[slog.TimeKey] = at
			}
			all = append(all, data)
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

func TestALoggersNamespaceIsItsLastOne(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(debug.NewHandler(&out, debug.ParseFilter("my.part:info")))
	log = log.With("first", 1).With(debug.Namespace, "other")
	log.Info("not shown")
	log.With(debug.Namespace, "my.part", "second", 2).Info("shown", "third", 3*time.Second)
	log.With(debug.Namespace, "my.part").Debug("not shown")
	log.Error("shown")
	var entries []map[string]any
	for line := range strings.Lines(out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.RFC3339, m["timestamp"].(string)); err != nil || m["type"] != "debug" {
			t.Errorf("%v", m)
		}
		delete(m, "timestamp")
		delete(m, "type")
		entries = append(entries, m)
	}
	got, _ := json.Marshal(entries)
	const want = `[{"data":{"first":1,"second":2,"third":"3s"},"level":"info","message":"shown","namespace":"my.part"},` +
		`{"data":{"first":1},"level":"error","message":"shown","namespace":"other"}]`
	if string(got) != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

const jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"

func TestSecretsDoNotGetIntoTheLog(t *testing.T) {
	link, _ := url.Parse("https://mesh.example.com/auth/magic-link?one_time_token=hush&next=/app")
	args := []any{
		"access_token", "hush", "Refresh-Token", "hush", "password", 12345678, "Cookie", []string{"hush"},
		"error", errors.New("bad token " + jwt + ": expired"), "header", "authorization: Bearer hush/+hush=", "protocols", "lmz, lmz.access-token." + jwt,
		"link", link, "claims", map[string]any{"sub": "ann", "inner": []any{map[string]any{"client-secret": "hush"}, jwt}},
		"group", slog.GroupValue(slog.String("session_token", "hush"), slog.String("kept", "kept")),
	}
	var out bytes.Buffer
	slog.New(debug.NewHandler(&out, debug.ParseFilter("*"))).With("token", "hush").WithGroup("deep").Info("sent "+jwt, args...)
	debug.Func("app", debug.ParseFilter("app"), func(line string) { out.WriteString(line) })("sent "+jwt, args[:14]...)
	for _, secret := range []string{"hush", "12345678", jwt, "c2lnbmF0dXJl", "eyJzdWIiOiJhbm4ifQ"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q got out:\n%s", secret, out.String())
		}
	}
	for _, kept := range []string{`"sub":"ann"`, `"kept":"kept"`, "next=/app", "expired", "bad token "} {
		if !strings.Contains(out.String(), kept) {
			t.Errorf("%q is gone:\n%s", kept, out.String())
		}
	}
}

func TestFuncWritesTheSameEntries(t *testing.T) {
	var line string
	write := func(l string) { line = l }
	debug.Func("lmz.client", debug.ParseFilter("lmz"), write)("it \"said\"\n\xff", "error", errors.New("é\x01"), "n", 7, "ok", true, "took", time.Second, "odd")
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	data := m["data"].(map[string]any)
	if len(data) != 4 || m["message"] != "it \"said\"\n\ufffd" || m["namespace"] != "lmz.client" || m["level"] != "debug" || data["error"] != "é\x01" || data["n"] != "7" || data["ok"] != "true" || data["took"] != "1s" {
		t.Errorf("%s", line)
	}
	line = ""
	debug.Func("lmz.client", debug.ParseFilter("lmz:info,-x"), write)("not shown")
	if line != "" {
		t.Error(line)
	}
}

func ExampleNewHandler() {
	filter := debug.ParseFilter(os.Getenv("DEBUG"))
	log := slog.New(debug.NewHandler(os.Stderr, filter)) // for gateway.Options.Log, and for yourself
	log.With(debug.Namespace, "shop.orders").Info("order paid", "order", 17)
}
