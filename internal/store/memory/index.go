package memory

import (
	"maps"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/wake"
)

// index is the wake index on a disk in memory. Its writes have the latency of the zero
// address, and are lost in a crash like commits of an object.
type index User

// Load implements [store.WakeIndex].
func (x *index) Load() (map[lmz.Address]int64, error) {
	x.disk.mu.Lock()
	defer x.disk.mu.Unlock()
	return maps.Clone(x.disk.wakes), nil
}

// Write implements [store.WakeIndex].
func (x *index) Write(changes map[lmz.Address]int64) error {
	return x.disk.sync(x.generation, &commit{wakes: changes}, false)
}

// Close implements [store.WakeIndex].
func (x *index) Close() error { return nil }

// applyWakes makes a write of the index durable. d.mu is held.
func (d *Disk) applyWakes(changes map[lmz.Address]int64) {
	if d.wakes == nil {
		d.wakes = make(map[lmz.Address]int64)
	}
	for a, at := range changes {
		if at == wake.Never {
			delete(d.wakes, a)
		} else {
			d.wakes[a] = at
		}
	}
}
