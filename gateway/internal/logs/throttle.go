package logs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// How many entries with one message are logged: anyone who can connect can cause some of
// them, and must not be able to fill the disk.
const (
	entriesPerSecond = 5
	entriesAtOnce    = 200
)

// throttle is a [slog.Handler] that drops entries that repeat too often. The next entry that
// passes reports how many were dropped. Debug entries, which the user asked for, always pass.
type throttle struct {
	slog.Handler
	messages *messages
}

// messages counts entries by message; the program has a fixed number of messages.
type messages struct {
	mu sync.Mutex // guards the following field
	of map[string]*entries
}

type entries struct {
	left   float64 // entries that may follow at once
	as     time.Time
	missed uint64
}

// Throttled returns a logger to log that drops entries that repeat too often.
func Throttled(log *slog.Logger) *slog.Logger {
	return slog.New(&throttle{log.Handler(), &messages{of: make(map[string]*entries)}})
}

// Handle implements [slog.Handler].
func (t *throttle) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelInfo {
		missed, ok := t.messages.take(r.Message, time.Now())
		if !ok {
			return nil
		}
		if missed > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Uint64("notLogged", missed))
		}
	}
	return t.Handler.Handle(ctx, r)
}

// take reports whether an entry may be written, and how many were dropped before it.
func (m *messages) take(message string, now time.Time) (missed uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.of[message]
	if e == nil {
		e = &entries{left: entriesAtOnce, as: now}
		m.of[message] = e
	}
	e.left = min(e.left+entriesPerSecond*now.Sub(e.as).Seconds(), entriesAtOnce)
	e.as = now
	if e.left < 1 {
		e.missed++
		return 0, false
	}
	e.left--
	missed, e.missed = e.missed, 0
	return missed, true
}

// WithAttrs implements [slog.Handler].
func (t *throttle) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &throttle{t.Handler.WithAttrs(attrs), t.messages}
}

// WithGroup implements [slog.Handler].
func (t *throttle) WithGroup(name string) slog.Handler {
	return &throttle{t.Handler.WithGroup(name), t.messages}
}
