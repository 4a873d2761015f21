package object

import (
	"iter"
	"time"

	"github.com/lumenize/lmz"
)

// Stored is an object that has stored something.
type Stored struct {
	Address lmz.Address
	Size    int64     // bytes of its file and its write-ahead log
	Changed time.Time // when the file was last written to
	Open    bool      // it has work, or had some recently
	File    string    // cursor to continue after it
}

// List returns the objects of a binding that have stored something, or of all bindings for
// "", in the order of their files, starting after the file named after unless that is "". An
// object whose file cannot be read is yielded with an error and what is known about it, and
// the loop continues. Files are opened only if the object's name is unusual or long or the
// file itself looks unusual: damage deeper inside is not found.
func (rt *Runtime) List(binding, after string) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for s, err := range rt.disk.List(binding, after, rt.openObjects()) {
			if !yield(Stored{s.Address, s.Size, s.Changed, s.Open, s.Place}, err) {
				return
			}
		}
	}
}

// openObjects returns the objects that are open.
func (rt *Runtime) openObjects() []lmz.Address {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	open := make([]lmz.Address, 0, len(rt.objects))
	for a := range rt.objects {
		open = append(open, a)
	}
	return open
}
