package wake

import "time"

const LazyWrite = lazyWrite

// SetClock sets the wall clock. Call it before Start.
func (w *Index) SetClock(now func() time.Time) { w.now = now }

// Remembered returns the number of entries.
func (w *Index) Remembered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.objects)
}
