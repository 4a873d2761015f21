// Package sim is the simulator: tests that drive a whole mesh through random schedules
// of calls and faults, in virtual time, and check the promises of sessions (PROTOCOL.md,
// "Sessions") with oracles: every call settles by its deadline, says the truth about
// whether it ran, and is unknown only where nobody can know; nothing runs twice; calls
// of one caller to one object begin in order; at rest every client is subscribed;
// nothing leaks.
//
// A schedule is drawn from its seed before it runs, as are the delays of the disk and of
// reconnects, and faults begin and end while everything else waits. So a seed replays
// to the same calls and faults at the same virtual times. Between two of them goroutines
// run as the scheduler likes: most seeds end to the nanosecond alike, and what a seed
// found it finds again, or nearly always.
//
//	make sim N=10000 SEED=1
//	go test ./internal/sim -run Schedules -sim.n 1 -sim.seed 4711
//
// That the oracles see is tested too: make sim-bugs builds bugs into the code, one at a
// time, and wants each to be found.
package sim
