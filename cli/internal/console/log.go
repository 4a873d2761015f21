package console

import (
	"log/slog"

	"github.com/lumenize/lmz/debug"
)

// Log returns a logger to stderr for what a filter asks for, and the variable DEBUG.
func (c *Console) Log(filter string) *slog.Logger {
	return slog.New(debug.NewHandler(c.Err, debug.ParseFilter(filter+","+c.Getenv("DEBUG"))))
}

// ServerLog is what a server tells without being asked.
const ServerLog = "*:warn"
