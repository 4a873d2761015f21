package console

import (
	"io"
	"sync"
)

// checkedWriter remembers the first failed write, so that no command reports success for
// output that was lost.
type checkedWriter struct {
	to io.Writer

	mu  sync.Mutex // guards the following field
	err error      // the first
}

// Write implements [io.Writer].
func (w *checkedWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.err == nil {
			w.err = err
		}
	}
	return n, err
}

// failed returns the first error.
func (w *checkedWriter) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
