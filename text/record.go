package text

// Record holds the edits of one opening of a document that the document may lack. A journal
// keeps records by Editor. A later opening can push them unchanged: the document applies
// each edit once.
type Record struct {
	Editor  string   `json:"editor"`  // random, for one opening
	Version int      `json:"version"` // base of Edits
	Edits   []Update `json:"edits"`   // empty if there is nothing to keep
}

// Text returns the text that would be lost with the record, to show it to the user.
func (r Record) Text() string {
	edits, err := Edits(r.Edits)
	if err != nil {
		return ""
	}
	return Inserted(edits)
}

// Refusal is a record that a document refused for good. The journal keeps it until
// [Sync.Discard]. Show it to the user, who can copy the text.
type Refusal struct {
	Record Record
	Err    error
}

// journal tracks the records to store, of this opening and earlier ones.
type journal struct {
	queue   []Record // of earlier openings, to be stored
	stored  bool     // there may be a record of this opening
	dirty   bool     // something has changed since the last Store
	waiting bool     // JournalTimer is running
	storing []Record // being stored; nil if none
	earlier int      // how many of them are of earlier openings
	err     error    // of the last Store
}

// JournalErr returns why the journal could not be written, or nil. Writing is retried.
func (s *Sync) JournalErr() error { return s.journal.err }

// keepSoon updates the journal after a short delay, in which the document saves most of
// what is typed.
//
//go:noinline
func (s *Sync) keepSoon() {
	s.journal.dirty = true
	if !s.journal.waiting && s.journal.storing == nil && !s.closed {
		s.journal.waiting = true
		s.do(Wait{JournalTimer, journalDelay})
	}
}

// keep stores the record of an earlier opening, or deletes it if it has no edits.
//
//go:noinline
func (s *Sync) keep(r Record) {
	j := &s.journal
	if s.client != nil && r.Editor == s.client.Editor() {
		j.stored = false
	}
	j.queue = append(j.queue, r)
	s.keepSoon()
}

// store stores what the journal lacks.
func (s *Sync) store() {
	j := &s.journal
	if j.storing != nil || !j.dirty {
		return
	}
	records := j.queue
	j.queue, j.dirty, j.earlier = nil, false, len(records)
	if s.client != nil {
		saved := s.client.Saved()
		if !saved || j.stored {
			records = append(records, s.client.Unsaved())
		}
		j.stored = !saved
	}
	if len(records) > 0 {
		j.storing = records
		s.do(Store{records})
	}
}

// Stored is the answer to a [Store]: the number of records written, and the error for the
// next one.
func (s *Sync) Stored(n int, err error) {
	j := &s.journal
	if err != nil {
		left := append([]Record(nil), j.storing[min(n, j.earlier):j.earlier]...)
		j.queue = append(left, j.queue...)
		j.stored, j.dirty = true, true // perhaps
	}
	j.storing = nil
	if (err == nil) != (j.err == nil) {
		s.status()
	}
	j.err = err
	if j.dirty {
		s.keepSoon()
	}
}

// Restore takes a record of an earlier opening from the journal. It is pushed before new
// edits. Edits that the document already has are not applied twice.
func (s *Sync) Restore(r Record) {
	s.restore = append(s.restore, r)
	s.next()
}

// Discard deletes an editor's refused record from the journal. It is the user's decision,
// so it does not wait.
func (s *Sync) Discard(editor string) {
	s.keep(Record{Editor: editor})
	s.store()
}

// replay is a record being pushed to the document.
type replay struct {
	edits   []Edit
	version int  // base of the edits
	newest  bool // version is the document's current one
}

// replayNext brings the first record to the newest version and pushes it, in parts that
// fit.
func (s *Sync) replayNext() {
	if s.replay == nil {
		edits, err := Edits(s.restore[0].Edits)
		if err != nil {
			s.replayed(err)
			s.next()
			return
		}
		s.replay = &replay{edits: edits, version: s.restore[0].Version}
	}
	switch r := s.replay; {
	case len(r.edits) == 0:
		s.replayed(nil)
		s.next()
	case r.newest:
		r.newest = false
		s.do(Push{s.call(StepReplay), r.version, r.edits[:Batch(r.edits)]})
	default:
		s.do(Fetch{s.call(StepReplay), r.version})
	}
}

// rebase maps the record over later edits.
func (s *Sync) rebase(entries []Entry, version int) {
	r := s.replay
	for _, e := range entries {
		edits, err := Rebase(r.edits, e)
		if err != nil {
			s.replayed(err)
			return
		}
		r.edits, r.version = edits, e.Version
	}
	r.newest = r.version >= version || len(entries) == 0
}

// replayed ends the first record: it is saved, or was refused.
//
//go:noinline
func (s *Sync) replayed(err error) {
	r := s.restore[0]
	s.restore, s.replay = s.restore[1:], nil
	if err != nil {
		s.news.Refused = append(s.news.Refused, Refusal{r, err})
	} else {
		s.keep(Record{Editor: r.Editor})
	}
	s.status()
}
