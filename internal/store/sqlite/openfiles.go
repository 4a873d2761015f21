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

// fileDescriptors is how many descriptors the open file of an object has: itself and its WAL.
const fileDescriptors = 2

// roomTimeout is how long a turn waits for others to let go of a file. A turn never waits for
// another object's turn, so only handlers that block make it that long.
const roomTimeout = 10 * time.Second

// openFiles bounds how many objects have their file open, as descriptors are left. A file may be
// closed whenever no turn uses it, also while a handler waits in a call: the next turn opens
// it again. Its methods may be called from any goroutine.
type openFiles struct {
	most func() int // how many may be open now

	mu      sync.Mutex // guards the following fields
	open    int        // also those that are being opened or closed
	resting list.List  // *Store that are open and that no turn uses, by when their last one ended
	waiting int        // turns that want a file and for which there is no room
	changed chan struct{}
}

func newOpenFiles(most func() int) *openFiles {
	return &openFiles{most: most, changed: make(chan struct{})}
}

// mostFiles is how many files a pool of descriptors allows.
func mostFiles(p *descriptors.Pool) func() int {
	return func() int { return p.Files() / fileDescriptors }
}

// errNoRoom says that no file can be opened.
var errNoRoom = lmz.Errorf("too many files are open; the gateway needs a higher limit of open files (ulimit -n)")

// take makes room for one more file, if need be by closing another.
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

// try repeats what fails for want of a descriptor: each time it closes a file that rests, or
// waits for one.
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

// tell wakes the turns that wait. f.mu is held.
func (f *openFiles) tell() {
	if f.waiting > 0 {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// give says that a file was closed, or not opened.
func (f *openFiles) give() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	f.tell()
}

// closeOne closes the file that has not been used for longest, and reports whether there was one.
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

	s.tx.Close() // what was committed is on disk also if that fails
	s.away = true
	close(closed)
	f.give()
	return true
}

// shrink closes files that are too many.
func (f *openFiles) shrink() {
	for f.surplus() && f.closeOne() {
	}
}

func (f *openFiles) surplus() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open > f.most()
}

// hold says that the turn uses the file: nobody closes it before rest. It does not open it.
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

// Hold implements [store.Store]. It opens a file that was closed while no turn used it, before
// the turn is measured: it may have to wait until others are closed. Whoever uses the file
// learns why it failed.
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

// rest is the end of hold, unless turns wait for their commit.
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

// openRoom is openFile for a store that holds its file, once there is room for one more.
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

// isShort reports whether a file could not be opened because there was no descriptor left,
// which SQLite does not say.
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
