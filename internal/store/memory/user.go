package memory

import (
	"iter"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
)

// Close implements [store.Disk].
func (u *User) Close() error {
	u.disk.mu.Lock()
	defer u.disk.mu.Unlock()
	if u.generation == u.disk.generation {
		u.disk.inUse = false
	}
	return nil
}

// Open implements [store.Disk].
func (u *User) Open(a lmz.Address, o store.Options) store.Store {
	return &Store{disk: u.disk, generation: u.generation, of: a, kind: o}
}

// Exists implements [store.Disk].
func (u *User) Exists(a lmz.Address) bool {
	u.disk.mu.Lock()
	defer u.disk.mu.Unlock()
	return u.disk.files[a] != nil
}

// Size implements [store.Disk]. A copy costs nothing.
func (u *User) Size(lmz.Address) int64 { return 0 }

// Copy implements [store.Disk].
func (u *User) Copy(a lmz.Address, o store.Options) (s store.Store, exists bool, drop func(), err error) {
	return u.Open(a, o), u.Exists(a), func() {}, nil
}

// Wakes implements [store.Disk].
func (u *User) Wakes() store.WakeIndex { return (*index)(u) }

// Usage implements [store.Disk].
func (u *User) Usage() store.Usage { return (*usage)(u) }

// List implements [store.Disk].
func (u *User) List(string, string, []lmz.Address) iter.Seq2[store.Stored, error] {
	return func(yield func(store.Stored, error) bool) { yield(store.Stored{}, store.ErrNoFiles) }
}

// Restore implements [store.Disk].
func (u *User) Restore(string, lmz.Address) (store.Restored, error) { return nil, store.ErrNoFiles }

// Remove implements [store.Disk].
func (u *User) Remove(a lmz.Address) error {
	return u.disk.sync(u.generation, &commit{of: a, removal: removalBegins}, false)
}

// Removed implements [store.Disk].
func (u *User) Removed(a lmz.Address) error {
	return u.disk.sync(u.generation, &commit{of: a, removal: removalEnds}, false)
}

// Removals implements [store.Disk].
func (u *User) Removals() (left []lmz.Address, err error) {
	u.disk.mu.Lock()
	defer u.disk.mu.Unlock()
	for a := range u.disk.removed {
		left = append(left, a)
	}
	return left, nil
}

// Values of commit.removal.
const (
	removalBegins = 1
	removalEnds   = 2
)

// applyRemoval makes a removal durable. d.mu is held.
func (d *Disk) applyRemoval(c *commit) {
	if c.removal == removalEnds {
		delete(d.removed, c.of)
		return
	}
	delete(d.files, c.of)
	if d.removed == nil {
		d.removed = make(map[lmz.Address]bool)
	}
	d.removed[c.of] = true
}
