package gateway

import (
	"log/slog"

	"github.com/lumenize/lmz/internal/budget"
)

// Stats are a gateway's current usage, and how often its bounds were met since it was created
// (PROTOCOL.md, "Limits"). Each bound has an error or a close code by which the other side
// recognizes it.
type Stats struct {
	Connections int // open sockets of clients
	Sessions    int // clients that are connected or in their grace period
	HeldBytes   int // frames and calls waiting for clients, and clients' calls in progress

	Overflows     uint64 // sessions that ended with 4413: too much waited for the client
	DroppedCalls  uint64 // one-way calls that a slow client missed; it was notified
	StuckSockets  uint64 // connections closed because the client did not read them
	BusySessions  uint64 // calls refused with [lmz.ErrBusy], and sends dropped: the client had too many in progress
	BusyObjects   uint64 // calls refused with [lmz.ErrBusy]: too many waited for the object
	OverBudget    uint64 // calls, connections and other requests refused because of a [Budget]
	UnknownFrames uint64 // ignored frames of unknown kinds and meaningless JSON messages
}

// Stats returns the statistics. It may be called at any time, from any goroutine, also after
// Close.
func (g *Gateway) Stats() Stats {
	s := Stats{
		Overflows:     g.clients.Counts.Overflows.Load(),
		DroppedCalls:  g.clients.Counts.DroppedCalls.Load(),
		StuckSockets:  g.clients.Counts.StuckSockets.Load(),
		BusySessions:  g.clients.Counts.BusySessions.Load(),
		BusyObjects:   g.objects.Refused(),
		OverBudget:    g.overBudget(),
		UnknownFrames: g.clients.Counts.UnknownFrames.Load(),
	}
	s.Connections, s.Sessions, s.HeldBytes = g.clients.Usage()
	return s
}

// overBudget returns the total of refusals.
func (g *Gateway) overBudget() (n uint64) {
	for _, refused := range g.accounts.Refused() {
		n += refused
	}
	return n
}

// RefusedByBudget returns how often each budget refused something, summed over all subjects,
// keyed by the names that [lmz.Exceeded] returns. Like Stats, it may be called at any time.
func (g *Gateway) RefusedByBudget() map[string]uint64 {
	all := make(map[string]uint64)
	for k, n := range g.accounts.Refused() {
		all[budget.Kind(k).String()] = n
	}
	return all
}

// logStats logs at the end which bounds were met.
func (g *Gateway) logStats() {
	s, level := g.Stats(), slog.LevelInfo
	if s != (Stats{}) {
		level = slog.LevelWarn
	}
	g.log.Session.Log(g.ctx, level, "bounds met since the start",
		"overflows", s.Overflows, "droppedCalls", s.DroppedCalls, "stuckSockets", s.StuckSockets, "busySessions", s.BusySessions,
		"busyObjects", s.BusyObjects, "overBudget", s.OverBudget, "unknownFrames", s.UnknownFrames)
}
