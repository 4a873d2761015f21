package text

import "errors"

// ErrNotLoaded says that there is no text to edit yet.
var ErrNotLoaded = errors.New("the document is not loaded yet")

// Why a text is read again, though nothing failed.
var (
	errRolledBack = errors.New("the document is at an older version: it was restored from a backup or removed")
	errFarBehind  = errors.New("too many versions behind; reading the text again")
)

// Bounds of a Sync.
const (
	farBehind = 5000 // with more missing versions, the text is read again instead
	maxInbox  = 5000 // versions waiting for the screen, or for earlier versions
	keptPast  = 1000 // versions in which positions can still be mapped
)

// Opening is the state of a document: the answer to a subscription.
type Opening struct {
	Version int
	Length  int    // of the text
	Text    string // its first part; all of it if it is short
	People  []Person
	Moment  int // the number of the subscription, see [Person]
}

// News reports what has changed since the last [Sync.Pull].
type News struct {
	// Loaded says that there is a first text, or a new one because the old one could no
	// longer be brought up to date: what was on the screen is obsolete, and the text
	// already includes Changes.
	Loaded bool
	// Changes holds others' changes to the text on the screen, in order.
	Changes []ChangeSet
	People  bool // [Sync.People] has changed
	Status  bool // [Sync.Saved], [Sync.Problem] or [Sync.JournalErr] has changed
	Refused []Refusal
}

// Sync is the state machine of an open document: it keeps a screen's text in step with the
// document's, across lost connections, lost messages and crashes. It does no I/O and has no
// clock. Each method is an event; after each one the caller takes the resulting effects
// with [Sync.Effects] and carries them out. Apart from Subscribe, at most one call is under
// way at a time. Not safe for concurrent use.
//
// The text changes only within Edit, Undo, Redo and Pull, so an editor always knows what
// is on its screen.
type Sync struct {
	client  *Client // nil before there is a text
	effects []Effect

	offline, closed bool
	subscribed      bool
	asking          int  // Subscribe effects without an answer
	stale           bool // messages were missed after the last of them

	number   int  // of the last call
	calling  int  // number of the call that has no answer yet; 0 if none
	step     Step // of that call
	pausing  bool // a call failed, and RetryTimer is running
	failures int  // in a row
	problem  error
	failed   Step // the step that has the problem

	opening *Opening // to load
	loading *Opening // being loaded
	loaded  *loaded  // to put on the screen
	reload  error    // why the text has to be read again; nil if it need not
	refused bool     // the reload is because edits were refused

	inbox  map[int]*Entry
	latest int      // the highest version known to exist
	past   []*Entry // the newest entries in the text
	by     string
	wait   bool // GapTimer is running
	hurry  bool // missing versions will not arrive unasked

	restore []Record
	replay  *replay // of the first of restore; nil before it has begun

	people    []Person // including those who left, while an answer is pending
	moment    int      // of the opening that people began with
	cursor    *Cursor  // on the screen; nil before SetCursor
	sayCursor bool
	paused    bool // CursorTimer is running

	journal journal
	news    News
	woken   bool
}

// loaded is a text read for one opening of the document.
type loaded struct {
	version int
	text    *Text
	editor  string
}

// NewSync returns a Sync that is online and has no text. Begin with [Sync.Start].
func NewSync() *Sync { return &Sync{inbox: make(map[int]*Entry)} }

// Start opens the document.
func (s *Sync) Start() { s.next() }

// Effects returns the effects requested since the last call, in order.
func (s *Sync) Effects() []Effect {
	effects := s.effects
	s.effects = nil
	return effects
}

// do requests an effect. Inlining it and other small methods here would make the browser's
// module larger.
//
//go:noinline
func (s *Sync) do(e Effect) { s.effects = append(s.effects, e) }

// Ready reports whether there is a text.
func (s *Sync) Ready() bool { return s.client != nil }

// Client returns the client that holds the text on the screen; nil before Ready. Each
// News.Loaded replaces it. Treat it as read-only.
func (s *Sync) Client() *Client { return s.client }

// Replacing reports whether the next Pull puts another text on the screen.
func (s *Sync) Replacing() bool { return s.loaded != nil }

// Saved reports whether the document has everything typed in this and earlier openings.
func (s *Sync) Saved() bool {
	return len(s.restore) == 0 && (s.client == nil || s.client.Saved())
}

// Problem returns the step that currently fails and why, or nil. A failed step is retried.
func (s *Sync) Problem() (Step, error) { return s.failed, s.problem }

// ChangedBy returns the displayed author of the newest edit; "" if that was this client.
func (s *Sync) ChangedBy() string { return s.by }

// Unsaved returns what the document may lack, from earlier openings and from this one.
func (s *Sync) Unsaved() []Record {
	all := append([]Record(nil), s.restore...)
	if s.client != nil && !s.client.Saved() {
		all = append(all, s.client.Unsaved())
	}
	return all
}

// Edit applies a change of the user. The error is that of [Text.Apply], or [ErrNotLoaded].
func (s *Sync) Edit(changes ChangeSet) error {
	if s.client == nil {
		return ErrNotLoaded
	}
	if err := s.client.Edit(changes); err != nil {
		return err
	}
	s.edited()
	return nil
}

// Undo reverts this user's last step, but nothing that others did. It returns what changed
// on the screen, and false if there was nothing to undo.
func (s *Sync) Undo() (ChangeSet, bool) { return s.back(false) }

// Redo repeats the step that the last Undo reverted.
func (s *Sync) Redo() (ChangeSet, bool) { return s.back(true) }

func (s *Sync) back(redo bool) (changes ChangeSet, ok bool) {
	switch {
	case s.client == nil:
	case redo:
		changes, ok = s.client.Redo()
	default:
		changes, ok = s.client.Undo()
	}
	if ok {
		s.edited()
	}
	return changes, ok
}

// Boundary ends a step of undo: call it after a pause in typing.
func (s *Sync) Boundary() {
	if s.client != nil {
		s.client.Boundary()
	}
}

//go:noinline
func (s *Sync) edited() {
	s.keepSoon()
	s.next()
}

// Online tells s whether there is a connection. Without one, s requests no calls except the
// Subscribe of [Sync.Resubscribe]. A shell whose calls wait for the connection need not
// call it.
func (s *Sync) Online(online bool) {
	s.offline = !online
	s.pausing, s.failures = false, 0
	s.next()
}

// Resubscribe subscribes again at once, after the document has lost this session.
func (s *Sync) Resubscribe() {
	s.subscribed, s.pausing = false, false
	s.subscribe()
}

// Missed subscribes again, after messages from the document were lost.
func (s *Sync) Missed() {
	s.subscribed, s.stale, s.pausing = false, s.asking > 0, false
	s.next()
}

// Due reports that the timer of a Wait has expired.
func (s *Sync) Due(t Timer) {
	switch t {
	case RetryTimer:
		s.pausing = false
	case GapTimer:
		s.wait, s.hurry = false, s.gap()
	case JournalTimer:
		s.journal.waiting = false
		s.store()
	case CursorTimer:
		s.paused = false
	}
	s.next()
}

// Close requests a [Store] of everything that the journal lacks, and no effects after
// that. If storing fails, Close can be called again.
func (s *Sync) Close() {
	s.closed = true
	s.store()
}

// next requests whatever can be done now. Every event ends with it.
func (s *Sync) next() {
	if s.closed || s.offline || s.pausing {
		return
	}
	if !s.subscribed {
		if s.asking == 0 {
			s.subscribe()
		}
		return
	}
	s.tellCursor()
	if s.calling != 0 {
		return
	}
	switch {
	case s.opening != nil:
		s.loading = s.opening
		s.do(Load{s.call(StepOpen), s.opening})
	case len(s.restore) > 0:
		s.replayNext()
	case s.gap():
		s.fillGap()
	case s.client != nil && s.reload == nil && s.loaded == nil:
		s.push()
	}
}

//go:noinline
func (s *Sync) subscribe() {
	s.asking++
	s.do(Subscribe{})
}

// call numbers a call.
//
//go:noinline
func (s *Sync) call(of Step) int {
	s.number++
	s.calling, s.step = s.number, of
	return s.number
}

// push pushes new edits.
func (s *Sync) push() {
	s.hurry = false
	if base, edits := s.client.Push(); len(edits) > 0 {
		s.do(Push{s.call(StepPush), base, edits})
	} else if s.client.Saved() {
		s.fine() // the failed call is no longer needed
	}
}

// reached returns the version up to which nothing is missing.
func (s *Sync) reached() int {
	version := s.latest // no edits are needed before there is a text
	switch {
	case s.loaded != nil:
		version = s.loaded.version
	case s.client != nil && s.reload == nil:
		version = s.client.Version()
	default:
		return version
	}
	for {
		if s.inbox[version+1] == nil {
			return version
		}
		version++
	}
}

// gap reports whether existing versions are missing.
func (s *Sync) gap() bool { return s.reached() < s.latest }

// fillGap fetches missing versions unless they arrive unasked.
func (s *Sync) fillGap() {
	if len(s.inbox) >= maxInbox && s.client != nil && s.inbox[s.client.Version()+1] != nil {
		return // the screen pulls first
	}
	if s.hurry {
		s.hurry = false
		s.do(Fetch{s.call(StepCatchUp), s.reached()})
		return
	}
	if s.wait {
		return
	}
	s.wait = true
	patience := holePatience
	if len(s.inbox) == 0 && s.client != nil && s.client.Awaits() {
		patience = echoPatience
	}
	s.do(Wait{GapTimer, patience})
}

// wake tells the screen that there is news, once before each Pull.
//
//go:noinline
func (s *Sync) wake() {
	if !s.woken {
		s.woken = true
		s.do(Wake{})
	}
}

// status tells the screen that the state it shows has changed.
//
//go:noinline
func (s *Sync) status() {
	s.news.Status = true
	s.wake()
}
