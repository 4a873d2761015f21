package gateway

import (
	"log/slog"

	"github.com/lumenize/lmz/internal/budget"
)

// Stats says what a gateway has now, and how often its bounds were met since it was
// made (PROTOCOL.md, "Limits"). Each bound has an error or a close code by which the
// other side knows it.
type Stats struct {
	Connections int // sockets of clients that are open
	Sessions    int // clients that are connected or in their grace period
	HeldBytes   int // of frames and calls that wait for clients, and of clients' calls that have not ended

	Overflows     uint64 // sessions that ended with 4413: too much waited for the client
	DroppedCalls  uint64 // calls without reply that a slow client missed, and was told so
	StuckSockets  uint64 // connections closed because the client did not read them
	BusySessions  uint64 // calls refused with [lmz.ErrBusy], and sends dropped: too many of that client were under way
	BusyObjects   uint64 // calls refused with [lmz.ErrBusy]: too many waited for the object
	OverBudget    uint64 // calls, connections and other requests refused because of a [Budget]
	UnknownFrames uint64 // frames of unknown kinds, and JSON messages that mean nothing, which were ignored
}

// Stats may be called at any time, from any goroutine, also after Close.
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

// overBudget adds up what was refused.
func (g *Gateway) overBudget() (n uint64) {
	for _, refused := range g.accounts.Refused() {
		n += refused
	}
	return n
}

// RefusedByBudget returns how often each budget refused something, summed over all
// subjects, by the names that [lmz.Exceeded] returns. It may be called whenever Stats
// may.
func (g *Gateway) RefusedByBudget() map[string]uint64 {
	all := make(map[string]uint64)
	for k, n := range g.accounts.Refused() {
		all[budget.Kind(k).String()] = n
	}
	return all
}

// logStats tells the log at the end which bounds were met.
func (g *Gateway) logStats() {
	s, level := g.Stats(), slog.LevelInfo
	if s != (Stats{}) {
		level = slog.LevelWarn
	}
	g.log.Session.Log(g.ctx, level, "bounds met since the start",
		"overflows", s.Overflows, "droppedCalls", s.DroppedCalls, "stuckSockets", s.StuckSockets, "busySessions", s.BusySessions,
		"busyObjects", s.BusyObjects, "overBudget", s.OverBudget, "unknownFrames", s.UnknownFrames)
}
