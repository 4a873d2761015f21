package logs

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogOfAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := Throttled(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		connect, call := log.With("namespace", "connect"), log.With("namespace", "call")
		for range 10_000 {
			connect.Warn("client refused", "error", "no token")
		}
		if n := strings.Count(out.String(), "client refused"); n != entriesAtOnce {
			t.Errorf("%d entries, want %d", n, entriesAtOnce)
		}
		call.Info("something else")
		for range 300 {
			call.Debug("asked for")
		}
		if s := out.String(); strings.Count(s, "something else") != 1 || strings.Count(s, "asked for") != 300 {
			t.Error("other messages or what was asked for are missing")
		}
		out.Reset()
		time.Sleep(time.Minute)
		connect.Warn("client refused")
		if !strings.Contains(out.String(), "notLogged=9800") {
			t.Errorf("the next one does not say how many are missing: %s", out.String())
		}
	})
}
