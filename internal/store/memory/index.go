package object

import (
	"maps"

	"github.com/lumenize/lmz"
)

// memIndex is the index of wakes on a disk in memory. It has the latency of the zero
// address, and is lost in a crash like a commit of an object.
type memIndex struct {
	disk       *MemoryDisk
	generation int
}

func (x *memIndex) load() (map[lmz.Address]int64, error) {
	x.disk.mu.Lock()
	defer x.disk.mu.Unlock()
	return maps.Clone(x.disk.wakes), nil
}

func (x *memIndex) write(changes map[lmz.Address]int64) error {
	return x.disk.sync(x.generation, &memCommit{wakes: changes}, false)
}

func (x *memIndex) close() error { return nil }

// applyWakes makes a write of the index durable. d.mu is held.
func (d *MemoryDisk) applyWakes(changes map[lmz.Address]int64) {
	if d.wakes == nil {
		d.wakes = make(map[lmz.Address]int64)
	}
	for a, at := range changes {
		if at == neverWake {
			delete(d.wakes, a)
		} else {
			d.wakes[a] = at
		}
	}
}
