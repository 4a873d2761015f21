// Package logs restricts what a gateway logs: no secrets, nothing that could control a
// terminal, and not so many entries of one message that a disk fills up.
package logs

import (
	"log/slog"
	"strings"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/printable"
	"github.com/lumenize/lmz/internal/proto"
)

// Logs are the loggers of a gateway, by namespace (package debug).
type Logs struct {
	Connect *slog.Logger // connections and refusals
	Session *slog.Logger
	Call    *slog.Logger // calls by clients, and calls to clients
	Request *slog.Logger // HTTP requests to objects
	Worker  *slog.Logger
}

// New returns the loggers of a gateway that logs to log.
func New(log *slog.Logger) Logs {
	of := func(name string) *slog.Logger { return log.With("namespace", "lmz."+name) }
	return Logs{
		Connect: of("gateway.connect"), Session: of("gateway.session"), Call: of("gateway.call"),
		Request: of("gateway.request"), Worker: of("worker"),
	}
}

// Methods returns the names of the methods that a chain calls, in a form that is safe to log.
func Methods(chain []byte) string {
	methods, err := proto.Methods(chain)
	if err != nil {
		return "(no valid chain)"
	}
	const enough = 10
	more := ""
	if len(methods) > enough {
		methods, more = methods[:enough], " …"
	}
	for i, name := range methods {
		methods[i] = Shown(name)
	}
	return strings.Join(methods, " ") + more
}

// Shown returns a name chosen by a client in a form that is safe to log.
func Shown(word string) string {
	const longest = 80
	if len(word) > longest {
		return "(too long to show)"
	}
	return printable.Line(word)
}

// Hidden logs the part of an error that the caller of a failed method does not see.
func Hidden(log *slog.Logger, node lmz.Address, err error) {
	hidden := proto.Hidden(err)
	if hidden == nil {
		return
	}
	args := []any{"node", node.String(), "error", hidden}
	if p, ok := hidden.(*proto.PanicError); ok {
		args = append(args, "panic", p.Value, "stack", string(p.Stack))
	}
	log.Error("a method failed", args...)
}
