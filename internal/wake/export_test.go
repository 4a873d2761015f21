package wake

import "time"

// LazyWrite is for tests.
const LazyWrite = lazyWrite

// SetClock sets the wall clock. Call it before Start.
func (w *Index) SetClock(now func() time.Time) { w.now = now }

// Remembered returns how many objects something is known of.
func (w *Index) Remembered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.objects)
}
