// Package sim is the simulator: tests that drive a whole mesh through random schedules of calls
// and faults, in virtual time, and check the promises of sessions (PROTOCOL.md, "Sessions") with
// oracles: every call settles by its deadline, reports truthfully whether it ran, and is unknown
// only where nobody can know, which is rare; nothing runs twice; calls from one client or object
// to one object or client begin in order; at rest every client is subscribed; nothing leaks. In
// every other schedule one client speaks the original's protocol.
//
// A schedule is drawn from its seed before it runs, and so are the delays of the disk, the
// network and reconnects, so that no two things happen at the same instant. Faults begin and end
// while everything else waits, and goroutines share one processor. A seed therefore replays to
// the identical trace, to the nanosecond.
//
//	make sim N=10000 SEED=1
//	go test ./internal/sim -run RandomSchedules -sim.n 1 -sim.seed 4711
//
// The oracles themselves are tested too: make sim-bugs builds bugs into the code, one at a time,
// and requires that each is found.
package sim
