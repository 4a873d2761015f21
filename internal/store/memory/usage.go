package memory

import "github.com/lumenize/lmz/internal/store"

// usage keeps the totals of subjects on a disk in memory.
type usage User

// Load implements [store.Usage].
func (s *usage) Load() (map[string]store.Sums, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	stored := make(map[string]store.Sums, len(s.disk.usage))
	for subject, n := range s.disk.usage {
		stored[subject] = n
	}
	return stored, nil
}

// Write implements [store.Usage].
func (s *usage) Write(changes map[string]store.Sums) error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.generation != s.generation {
		return errCrashed
	}
	if s.disk.usage == nil {
		s.disk.usage = make(map[string]store.Sums)
	}
	for subject, n := range changes {
		if n == (store.Sums{}) {
			delete(s.disk.usage, subject)
		} else {
			s.disk.usage[subject] = n
		}
	}
	return nil
}

// Close implements [store.Usage].
func (s *usage) Close() error { return nil }
