package sqlite

import (
	"cmp"
	"container/list"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/lumenize/lmz"
	"github.com/lumenize/lmz/internal/descriptors"
)

// fileDescriptors is how many descriptors an object's open file takes: the file and its WAL.
const fileDescriptors = 2

// roomTimeout is how long a turn waits for others to release a file. A turn never waits for
// another object's turn, so only blocking handlers make it wait that long.
const roomTimeout = 10 * time.Second

// openFiles limits how many objects have their file open, depending on available
// descriptors. A file may be closed whenever no turn uses it, even while a handler waits in
// a call: the next turn reopens it. Its methods are safe for concurrent use.
type openFiles struct {
	most func() int // how many may be open now

	mu      sync.Mutex // guards the following fields
	open    int        // including those being opened or closed
	resting list.List  // open *Store that no turn uses, least recently used first
	waiting int        // turns that wait to open a file
	changed chan struct{}
}

func newOpenFiles(most func() int) *openFiles {
	return &openFiles{most: most, changed: make(chan struct{})}
}

// mostFiles is how many files a pool of descriptors allows.
func mostFiles(p *descriptors.Pool) func() int {
	return func() int { return p.Files() / fileDescriptors }
}

// errNoRoom means that no file can be opened.
var errNoRoom = lmz.Errorf("too many files are open; the gateway needs a higher limit of open files (ulimit -n)")

// take makes room for one more file, closing another if necessary.
func (f *openFiles) take() error {
	return f.try(func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.open < max(f.most(), 1) {
			f.open++
			return true
		}
		return false
	})
}

// try repeats once until it succeeds: each time it lacks a descriptor, try closes a resting
// file, or waits for one.
func (f *openFiles) try(once func() bool) error {
	var timeout <-chan time.Time
	for {
		f.mu.Lock()
		f.waiting++
		changed := f.changed
		f.mu.Unlock()
		done := once()
		closed := !done && f.closeOne()
		if !done && !closed {
			if timeout == nil {
				t := time.NewTimer(roomTimeout)
				defer t.Stop()
				timeout = t.C
			}
			select {
			case <-changed:
			case <-timeout:
				f.endWait()
				return errNoRoom
			}
		}
		f.endWait()
		if done {
			return nil
		}
	}
}

func (f *openFiles) endWait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
}

// tell wakes the waiting turns. f.mu is held.
func (f *openFiles) tell() {
	if f.waiting > 0 {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// give releases the room of a file that was closed, or not opened.
func (f *openFiles) give() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	f.tell()
}

// closeOne closes the least recently used resting file, and reports whether there was one.
func (f *openFiles) closeOne() bool {
	f.mu.Lock()
	first := f.resting.Front()
	if first == nil {
		f.mu.Unlock()
		return false
	}
	s := first.Value.(*Store)
	f.resting.Remove(first)
	s.rests = nil
	closed := make(chan struct{})
	s.leaving = closed
	f.mu.Unlock()

	s.tx.Close() // commits are on disk even if this fails
	s.away = true
	close(closed)
	f.give()
	return true
}

// shrink closes surplus files.
func (f *openFiles) shrink() {
	for f.surplus() && f.closeOne() {
	}
}

func (f *openFiles) surplus() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open > f.most()
}

// hold marks the file as used by the turn, so that it is not closed before rest. It does not
// open the file.
func (s *Store) hold() {
	if s.held || s.files == nil {
		return
	}
	s.held = true
	s.files.mu.Lock()
	if s.rests != nil {
		s.files.resting.Remove(s.rests)
		s.rests = nil
	}
	leaving := s.leaving
	s.leaving = nil
	s.files.mu.Unlock()
	if leaving != nil {
		<-leaving
	}
}

// Hold implements [store.Store]. It reopens a file that was closed while no turn used it,
// before the turn is measured, because it may have to wait until others are closed. If that
// fails, the first access to the file returns the error.
func (s *Store) Hold() {
	if s.hold(); s.away {
		s.Ready()
	}
}

// Rest implements [store.Store].
func (s *Store) Rest() error {
	var err error
	if s.tx.Active() && !s.tx.Dirty() {
		err = s.tx.Rollback()
	}
	s.rest()
	return err
}

// rest undoes hold, unless turns wait for their commit.
func (s *Store) rest() {
	if !s.held || s.tx.Active() {
		return
	}
	s.held = false
	if s.tx.Conn == nil {
		return
	}
	f := s.files
	f.mu.Lock()
	s.rests = f.resting.PushBack(s)
	f.tell()
	surplus := f.open > f.most()
	f.mu.Unlock()
	if surplus {
		f.closeOne()
	}
}

// openRoom is openFile for a store that holds its file, after making room for one more.
func (s *Store) openRoom() (conn *sqlite.Conn, err error) {
	if s.files == nil {
		return openFile(s.path, s.of)
	}
	if err := s.files.take(); err != nil {
		return nil, err
	}
	short := s.files.try(func() bool {
		conn, err = openFile(s.path, s.of)
		return !isShort(err)
	})
	if err = cmp.Or(short, err); err != nil {
		s.files.give()
	}
	return conn, err
}

// isShort reports whether a file could not be opened for lack of descriptors, which SQLite
// does not report.
func isShort(err error) bool {
	if descriptors.Short(err) {
		return true
	}
	if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultCantOpen {
		return false
	}
	f, err := os.Open(os.DevNull)
	if err == nil {
		f.Close()
	}
	return descriptors.Short(err)
}
