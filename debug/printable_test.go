//go:build !js

package debug_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/lumenize/lmz/debug"
)

func TestALogCommandsNoTerminal(t *testing.T) {
	const name = "a\u009b31m\u202e\x7f\u2028\u00ad\U000e0041"
	var out bytes.Buffer
	log := slog.New(debug.NewHandler(&out, debug.ParseFilter("*"))).With("given", name)
	log.WithGroup(name).Info(name, "text", name, "error", errors.New(name), "tree", map[string]any{name: []string{name}}, name, 1)
	debug.Func("app", debug.ParseFilter("app"), func(line string) { out.WriteString(line + "\n") })(name, name, name)
	if i := strings.IndexAny(out.String(), "\u009b\u202e\x7f\u2028\u00ad\U000e0041"); i >= 0 {
		t.Errorf("%q", out.String())
	}
	for line := range strings.Lines(out.String()) {
		var entry struct{ Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Message != name {
			t.Errorf("%q means %q, %v", line, entry.Message, err)
		}
	}
}

func TestLongValuesAreCutInLogs(t *testing.T) {
	long := strings.Repeat("日", 1<<20)
	var out bytes.Buffer
	slog.New(debug.NewHandler(&out, debug.ParseFilter("*"))).Info(long, "text", long, "error", errors.New(long), "tree", []any{long, map[string]any{"x": long}})
	debug.Func("app", debug.ParseFilter("app"), func(line string) { out.WriteString(line) })(long, "text", long)
	if out.Len() > 160<<10 || !strings.Contains(out.String(), "… (3145728 bytes)") {
		t.Errorf("%d bytes are logged", out.Len())
	}
}
