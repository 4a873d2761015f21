// Package sim is the simulator: tests that drive a whole mesh through random schedules
// of calls and faults, in virtual time, and check the promises of sessions (PROTOCOL.md,
// "Sessions") with oracles: every call settles by its deadline, says the truth about
// whether it ran, and is unknown only where nobody can know, which is rare; nothing runs
// twice; calls of one client or object to one object or client begin in order; at rest
// every client is subscribed; nothing leaks. In every other schedule one client speaks
// the original's protocol.
//
// A schedule is drawn from its seed before it runs, as are the delays of the disk, the
// network and reconnects, so that no two things happen at the same instant; faults begin
// and end while everything else waits; and there is one processor for the goroutines. So
// a seed replays to the identical trace, to the nanosecond.
//
//	make sim N=10000 SEED=1
//	go test ./internal/sim -run RandomSchedules -sim.n 1 -sim.seed 4711
//
// That the oracles see is tested too: make sim-bugs builds bugs into the code, one at a
// time, and wants each to be found.
package sim
