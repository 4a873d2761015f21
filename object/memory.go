package object

import (
	"log/slog"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/memory"
)

// MemoryDisk is a data directory in memory that can crash, for tests; package meshtest runs
// a mesh on one. The zero value is an empty disk on which commits are durable at once. Set
// its fields before first use. Its methods are safe for concurrent use.
type MemoryDisk struct {
	// Latency is how long a commit of the object takes to become durable; nil means no time.
	// The zero address stands for the wake index. The disk sleeps for it, in virtual time
	// within a testing/synctest bubble.
	Latency func(lmz.Address) time.Duration

	// Survives is called for each commit that was on its way to the disk at a crash, and
	// reports whether it got there. Nil means none did. It is called with the disk locked.
	Survives func() bool

	// Full is called for each commit of the object, and of the wake index with the zero
	// address; true means that the disk is full, so the commit fails and changes nothing. Nil
	// means that there is always room.
	Full func(lmz.Address) bool

	disk memory.Disk
}

// Crash simulates the death of the process that uses the disk: commits in flight are lost
// unless they survive, and the runtime that made them can no longer read or write. A new one
// can then be opened.
func (d *MemoryDisk) Crash() { d.disk.Crash() }

// OpenMemory is [Open] on a disk in memory.
func OpenMemory(d *MemoryDisk, m Mesh, log *slog.Logger) (*Runtime, error) {
	mesh, err := meshOf(m)
	if err != nil {
		return nil, err
	}
	d.disk.Latency, d.disk.Survives, d.disk.Full = d.Latency, d.Survives, d.Full
	disk, err := d.disk.Use()
	if err != nil {
		return nil, err
	}
	return openOn(disk, mesh, log)
}
