package storetest

import (
	"errors"
	"time"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/store"
	"github.com/lumenize/lmz/internal/store/memory"
)

// Late is a disk on which commits become durable later than they are applied, as on one that
// ships its commits to another machine: a commit is kept at once on a near disk, and copied
// to a far one after a delay, one after another. Commits on the far disk are durable. When a
// commit of an object is lost, the near copy of the object is discarded with all later
// commits. The zero value has no delay and loses nothing. Set the fields before Use.
type Late struct {
	// Delay is how long a commit of the object takes to arrive.
	Delay func(lmz.Address) time.Duration

	// Lose returns why a commit of the object is lost, or nil. [store.ErrMaybeStored] means
	// that the commit arrived but its acknowledgement was lost.
	Lose func(lmz.Address) error

	near, far memory.Disk
}

// Use locks the disk, as [memory.Disk.Use] does.
func (l *Late) Use() (store.Disk, error) {
	near, err := l.near.Use()
	return &lateDisk{near, l}, err
}

type lateDisk struct {
	*memory.User
	late *Late
}

// Open implements [store.Disk].
func (d *lateDisk) Open(a lmz.Address, o store.Options) store.Store {
	return &lateStore{Store: d.User.Open(a, o), of: a, late: d.late}
}

// lateStore is the store of one object on a late disk.
type lateStore struct {
	store.Store
	of   lmz.Address
	late *Late
	last chan struct{} // closed when the last commit is durable or lost; nil before the first
	lost bool          // a commit was lost; ends of commits access it in order
}

// errAfterLoss is why a commit after a lost one is lost.
var errAfterLoss = errors.New("an earlier commit was lost")

// Commit implements [store.Store].
func (s *lateStore) Commit(durable func(lost error)) (wrote bool, err error) {
	wrote, err = s.Store.Commit(func(error) {})
	if !wrote || err != nil {
		return wrote, err
	}
	shipped := new(memory.Disk)
	s.late.near.CopyTo(shipped, s.of)
	before, ended := s.last, make(chan struct{})
	s.last = ended
	go func() {
		defer close(ended)
		if before != nil {
			<-before
		}
		durable(s.ship(shipped))
	}()
	return true, nil
}

// ship copies a commit to the far disk, or returns why it was lost.
func (s *lateStore) ship(shipped *memory.Disk) error {
	if s.lost {
		return errAfterLoss
	}
	if s.late.Delay != nil {
		time.Sleep(s.late.Delay(s.of))
	}
	var lost error
	if s.late.Lose != nil {
		lost = s.late.Lose(s.of)
	}
	s.lost = lost != nil
	if lost == nil || errors.Is(lost, store.ErrMaybeStored) {
		shipped.CopyTo(&s.late.far, s.of)
	}
	return lost
}

// Close implements [store.Store]. Lost commits are replaced by the state of the far disk.
func (s *lateStore) Close() error {
	err := s.Store.Close()
	if s.last != nil {
		<-s.last
	}
	if s.lost {
		s.late.far.CopyTo(&s.late.near, s.of)
	}
	return err
}
