package object

import (
	"log/slog"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store/memory"
)

// MemoryDisk is a data directory in memory that can crash, for tests; package
// meshtest has a mesh on one. The zero value is an empty disk on which a commit is
// durable at once. Set its fields before its first use. Its methods may be called
// from any goroutine.
type MemoryDisk struct {
	// Latency is how long a commit of the object takes to become durable; nil means no
	// time. The zero address is the index of the objects that have to be woken. It is
	// slept, in virtual time in a bubble of testing/synctest.
	Latency func(lmz.Address) time.Duration

	// Survives is asked for each commit that was on its way to the disk at a crash:
	// true means it got there. Nil means none did. It is called with the disk locked.
	Survives func() bool

	// Full is asked for each commit of the object, and of the index for the zero address:
	// true means that there is no room for it, so that it fails and changes nothing. Nil
	// means there always is.
	Full func(lmz.Address) bool

	disk memory.Disk
}

// Crash is the death of the process that uses the disk: commits that were on their way are
// lost, unless they survive, and the runtime that made them can neither read nor write any
// more. Another one can be opened then.
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
