//go:build !js

package debug

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/lumenize/lmz/internal/printable"
)

// NewHandler returns a handler that writes the entries that the filter allows to w, each as one
// line, in one Write. The namespace of an entry is that of its logger, set by With(Namespace,
// name): the last one counts. Pass it to [slog.New].
func NewHandler(w io.Writer, f Filter) slog.Handler {
	base := slog.NewJSONHandler(lines{w}, &slog.HandlerOptions{Level: slog.Level(Debug), ReplaceAttr: replace})
	return (&handler{base: base, filter: f}).rebuilt()
}

// lines writes entries without characters that could control a terminal.
type lines struct{ w io.Writer }

// Write implements [io.Writer].
func (l lines) Write(line []byte) (int, error) {
	if _, err := l.w.Write(printable.JSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// handler is a JSON handler that knows its namespace. The attributes of a logger go below "data",
// which follows the namespace. That may be set later, so the handler keeps its attributes.
type handler struct {
	slog.Handler // base with the namespace and all of given
	base         slog.Handler
	filter       Filter
	namespace    string
	given        []func(slog.Handler) slog.Handler
}

func (h *handler) rebuilt() slog.Handler {
	h.Handler = h.base.WithAttrs([]slog.Attr{slog.String("type", "debug"), slog.String(Namespace, h.namespace)}).WithGroup("data")
	for _, give := range h.given {
		h.Handler = give(h.Handler)
	}
	return h
}

func (h *handler) with(give func(slog.Handler) slog.Handler) slog.Handler {
	next := *h
	next.given = append(h.given[:len(h.given):len(h.given)], give)
	next.Handler = give(h.Handler)
	return &next
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return h.filter.Allows(h.namespace, Level(level))
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	r.Message = loggable(r.Message)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i, a := range attrs {
		if a.Key != Namespace {
			continue
		}
		next := *h
		next.namespace = a.Value.Resolve().String()
		rest := append(append([]slog.Attr{}, attrs[:i]...), attrs[i+1:]...)
		return next.rebuilt().WithAttrs(rest)
	}
	if len(attrs) == 0 {
		return h
	}
	return h.with(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

// replace names the members as the original does, and removes secrets.
func replace(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.TimeKey:
			return slog.String("timestamp", a.Value.Time().UTC().Format(timeFormat))
		case slog.LevelKey:
			level, _ := a.Value.Any().(slog.Level)
			return slog.String("level", Level(level).String())
		case slog.MessageKey:
			a.Key = "message"
		}
		return a
	}
	if isSecret(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(loggable(a.Value.String()))
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindAny:
		a.Value = slog.AnyValue(readable(a.Value.Any()))
	}
	return a
}

// readable returns a value as JSON shows it, without secrets.
func readable(v any) any {
	switch v := v.(type) {
	case error:
		return loggable(v.Error())
	case json.Marshaler:
	case fmt.Stringer:
		return loggable(v.String())
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "(" + err.Error() + ")"
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return nil
	}
	tree = pruned(tree)
	if len(data) > maxValue {
		if data, err = json.Marshal(tree); err == nil && len(data) > maxValue {
			return printable.Cut(string(data), maxValue)
		}
	}
	return tree
}

// pruned removes secrets from a JSON value.
func pruned(tree any) any {
	switch tree := tree.(type) {
	case string:
		return withoutSecrets(tree)
	case []any:
		for i := range tree {
			tree[i] = pruned(tree[i])
		}
	case map[string]any:
		for key, v := range tree {
			if tree[key] = pruned(v); isSecret(key) {
				tree[key] = redacted
			}
		}
	}
	return tree
}
