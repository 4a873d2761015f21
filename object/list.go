package object

import (
	"iter"
	"time"

	"github.com/lumenize/lmz"
)

// Stored is an object that has stored something.
type Stored struct {
	Address lmz.Address
	Size    int64     // bytes of its file, and of what is not merged into it yet
	Changed time.Time // when the file was last written to
	Open    bool      // it has work, or had some lately
	File    string    // which it is, to continue after it
}

// List returns the objects of a binding that have stored something, or of all bindings
// for "", in the order of their files, and only those after the one called after, unless
// that is "". One whose file cannot be read comes with an error and what is known of it,
// and the loop continues. Only the files of objects with unusual or long names are opened, and
// those that look unusual themselves: damage further inside is not found.
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
