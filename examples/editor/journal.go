package editor

import (
	"context"
	"slices"
	"time"
)

// journalAfter is how long something typed may be on no disk: most of it is saved before.
const journalAfter = 500 * time.Millisecond

// journal is what is to be written for an opening. It is guarded by the session's mutex.
type journal struct {
	signal chan struct{} // has an element while something is not written
	stored bool          // there is a record of this opening
	queue  []Record      // of earlier openings
}

func (j *journal) dirty() {
	select {
	case j.signal <- struct{}{}:
	default:
	}
}

// keep has a record of an earlier opening written.
func (j *journal) keep(r Record) {
	j.queue, j.stored = append(j.queue, r), false
	j.dirty()
}

// drop has the record of an earlier opening dropped.
func (j *journal) drop(r Record) {
	r.Edits = nil
	j.queue = append(j.queue, r)
	j.dirty()
}

// keepJournal writes the journal when something has changed, until ctx ends.
func (s *Session) keepJournal(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.journal.signal:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(journalAfter):
			_ = s.writeJournal() // what could not be written is tried again
		}
	}
}

// writeJournal writes what is not written yet.
func (s *Session) writeJournal() error {
	if s.options.Journal == nil {
		return nil
	}
	s.mu.Lock()
	queue := slices.Clone(s.journal.queue)
	earlier := len(queue) // that are of earlier openings
	s.journal.queue = nil
	if s.client != nil {
		if !s.client.Saved() {
			queue = append(queue, s.record())
			s.journal.stored = true
		} else if s.journal.stored {
			queue = append(queue, Record{Document: s.options.Document, Editor: s.client.Editor()})
			s.journal.stored = false
		}
	}
	s.mu.Unlock()
	for i, r := range queue {
		if err := s.options.Journal(r); err != nil {
			s.mu.Lock()
			s.journal.queue = append(queue[min(i, earlier):earlier], s.journal.queue...)
			s.journal.stored = true // or may be: what there is of this opening is looked at again
			s.journal.dirty()
			s.mu.Unlock()
			s.journaled(err)
			return err
		}
	}
	s.journaled(nil)
	return nil
}

// journaled keeps how the last writing ended.
func (s *Session) journaled(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if (err == nil) != (s.unkept == nil) {
		s.news.Status = true
		s.wake()
	}
	s.unkept = err
}
