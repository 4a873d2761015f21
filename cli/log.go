package cli

import (
	"log/slog"

	"github.com/lumenize/lmz/debug"
)

// log returns a logger to stderr for what a filter asks for, and the variable DEBUG.
func (a *app) log(filter string) *slog.Logger {
	return slog.New(debug.NewHandler(a.Err, debug.ParseFilter(filter+","+a.Getenv("DEBUG"))))
}

// serverLog is what a server tells without being asked.
const serverLog = "*:warn"
