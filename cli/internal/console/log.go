package console

import (
	"log/slog"

	"github.com/lumenize/lmz/debug"
)

// Log returns a logger to stderr with a filter, extended by the variable DEBUG.
func (c *Console) Log(filter string) *slog.Logger {
	return slog.New(debug.NewHandler(c.Err, debug.ParseFilter(filter+","+c.Getenv("DEBUG"))))
}

// ServerLog is the default log filter of servers.
const ServerLog = "*:warn"
