// Package logs decides what a gateway's log says: nothing that is secret, nothing that could
// control a terminal, and no more of one message than a disk can hold.
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
	Connect *slog.Logger // who connects, and who is refused
	Session *slog.Logger
	Call    *slog.Logger // calls by clients, and calls to clients
	Request *slog.Logger // HTTP requests to objects
	Worker  *slog.Logger
}

// New makes the loggers of a gateway that logs to log. Entries that repeat too often are left
// out.
func New(log *slog.Logger) Logs {
	of := func(name string) *slog.Logger { return log.With("namespace", "lmz."+name) }
	return Logs{
		Connect: of("gateway.connect"), Session: of("gateway.session"), Call: of("gateway.call"),
		Request: of("gateway.request"), Worker: of("worker"),
	}
}

// Methods returns the names of the methods for which a chain asks, as far as they can be shown.
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

// Shown returns a name that a client has chosen in a form that is safe to log.
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
